"""Checks of predictions and scores, when a run is trained or a split is scored."""

from receipts.checks.guard import Guard

GUARDS = (
    Guard(
        "deterministic",
        "after",
        "A method that is declared deterministic predicts the same when fitted under another seed.",
        "take facts.deterministic out, and run several seeds",
    ),
    Guard(
        "disk-full",
        "training",
        "There is room on the disk for what a run writes.",
        "make room, then the same command with retry=true",
    ),
    Guard(
        "rescored",
        "after",
        "Every id of the split was scored once, and two implementations of each metric agree.",
        "report it: the harness disagrees with itself",
    ),
    Guard(
        "own-metric",
        "after",
        "A researcher's own metric gives a number inside its range, and agrees with what it is a second opinion of.",
        "mend the function, then receipts rescore RUN",
    ),
    Guard(
        "selected-is-scored",
        "after",
        "The weights that were scored are those that were selected.",
        "look for state outside state_dict, or for a callback that changes weights around validation",
    ),
    Guard(
        "predictions-vary",
        "after",
        "Predictions differ from sample to sample.",
        "look for dead units, inputs that do not arrive, and outputs that are overwritten",
        performance=True,
    ),
    Guard(
        "above-chance",
        "after",
        "Predictions are not worse than guessing, which only labels that were moved can make them.",
        "compare the labels of train with those of the scored split: receipts look conf=NAME",
        performance=True,
    ),
    Guard(
        "in-other-units",
        "after",
        "Predicted values are in the unit of the targets.",
        "turn standardised or logarithmic outputs back in predict_step",
        performance=True,
    ),
    Guard(
        "values-cut-off",
        "after",
        "Predicted values are not held at a bound that targets go beyond.",
        "take the ReLU, clamp or sigmoid after the last layer out, or turn its values into the range of the targets",
        performance=True,
    ),
    Guard(
        "beats-the-floor",
        "after",
        "The run beats a method that never looks at the input.",
        "check that labels belong to their inputs, that the loss falls, and that weights are updated",
        performance=True,
    ),
    Guard(
        "too-good",
        "after",
        "The score is one that the problem allows: below the declared ceiling, perfect only where that is easy.",
        "look for the answer among the inputs, then waive it with what you found",
        performance=True,
    ),
)
