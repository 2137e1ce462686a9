"""Checks that read configuration and code, and run nothing."""

from receipts.checks.guard import Guard

GUARDS = (
    Guard(
        "synthetic-data",
        "static",
        "The data were measured, or the experiment says why data that nobody measured will do.",
        "waive it with the reason, and every number says SIMULATED, SYNTHETIC or GENERATED",
    ),
    Guard(
        "monitored-direction",
        "static",
        "Whatever stops, keeps or slows by a monitored value is told which direction of it is better.",
        "set mode to the metric's own direction",
    ),
    Guard(
        "selection-by-test",
        "static",
        "Nothing that selects, stops, fits or tunes names the test split.",
        "select, fit and tune on train and val; eval.py opens test once, afterwards",
    ),
    Guard(
        "debug-flag",
        "static",
        "No switch meant for debugging is on in a full run.",
        "take it out; preset=smoke and preset=fast are for looking",
    ),
    Guard(
        "unused-argument",
        "static",
        "Every constructor argument of the experiment's own classes is read where it is taken.",
        "use the argument, or take it out of the constructor and of the YAML",
    ),
    Guard(
        "misspelt-name",
        "static",
        "No attribute or hook misses a real one by a letter or two and is read by nobody.",
        "correct the spelling",
    ),
    Guard(
        "unseeded-draws",
        "static",
        "No random generator starts from a seed that nobody stated.",
        "pass a seed, or draw from the generator that an augmentation is handed",
    ),
    Guard(
        "fit-before-split",
        "static",
        "A dataset fits nothing on all of its rows, since held-back ones are among them.",
        "move it to transforms: in the YAML, which are fitted on train rows only, or into the estimator's pipeline",
    ),
    Guard(
        "order-of-the-day",
        "static",
        "No ids, labels or classes come in the order in which a folder or a set happens to give them.",
        "wrap it in sorted(...)",
    ),
    Guard(
        "dropout-always-on",
        "static",
        "Functional dropout is told whether the module trains.",
        "functional.dropout(x, p, training=self.training), or nn.Dropout(p) in the constructor",
    ),
    Guard(
        "average-as-declared",
        "static",
        "Where facts.ema says which weights are scored, those of an average or the raw ones, the experiment agrees.",
        "correct facts.ema, or the callback that averages",
    ),
)
