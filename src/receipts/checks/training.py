"""Checks that watch training itself; how each is made stands in `training/sentinels`."""

from receipts.checks.guard import Guard

GUARDS = (
    Guard(
        "outside-optimizer",
        "training",
        "Every parameter that shapes the predictions is moved by an optimizer.",
        "give configure_optimizers self.parameters(), after everything is built; "
        "or declare facts: {frozen: [pattern]} and set requires_grad to False",
    ),
    Guard(
        "frozen-by-mistake",
        "training",
        "Every layer that stays as it was is declared frozen.",
        "take out what sets requires_grad to False, or declare facts: {frozen: [pattern]}",
    ),
    Guard(
        "moved-though-frozen",
        "training",
        "What is declared frozen does not move.",
        "set requires_grad to False and keep it out of the optimizer, or take the pattern out of facts.frozen",
    ),
    Guard(
        "no-gradient",
        "training",
        "Every parameter that shapes the predictions is reached by a gradient within the first epoch.",
        "look for detach(), .data, no_grad or a step without a derivative between it and the loss, and for an "
        "optimizer that steps before the backward pass",
    ),
    Guard(
        "never-moves",
        "training",
        "Parameters with a gradient and a learning rate move.",
        "see that the optimizer steps, and that nothing puts the weights back; in 16-bit weights, "
        "fit.precision=bf16-mixed keeps the small updates",
    ),
    Guard(
        "units-alike",
        "training",
        "The units of a layer differ from each other once they have learnt.",
        "begin with weights that are drawn: torch's own initialisation, or nn.init.kaiming_normal_",
    ),
    Guard(
        "stale-gradients",
        "training",
        "Gradients are empty when those of a new step begin to be added up.",
        "call optimizer.zero_grad() before the backward pass of every step",
    ),
    Guard(
        "unregistered-parameters",
        "training",
        "Everything that learns is part of the module, and so of its checkpoints.",
        "hold layers in nn.ModuleList or nn.ModuleDict, and tensors in nn.Parameter",
    ),
    Guard(
        "foreign-parameters",
        "training",
        "Optimizers hold parameters of the module and nothing else.",
        "build the optimizer in configure_optimizers, after every layer has been put in its place",
    ),
    Guard(
        "trains-in-eval-mode",
        "training",
        "Layers that behave otherwise while training are in training mode while they learn.",
        "call .train() on what was loaded with .eval(); or declare it frozen: facts: {frozen: [pattern]}",
    ),
    Guard(
        "evaluates-in-training-mode",
        "training",
        "Dropout and normalisation are in evaluation mode while val is predicted.",
        "leave on_validation_model_eval to Lightning; predictions that are to draw: facts: {random_predictions: true}",
    ),
    Guard(
        "statistics-moved-in-eval",
        "training",
        "A pass over val leaves the running statistics of normalisation layers as they were.",
        "pass training=self.training to functional.batch_norm, and leave modes to Lightning",
    ),
    Guard(
        "statistics-never-move",
        "training",
        "Running means and variances of normalisation layers follow the data they are to normalise.",
        "give the layer a momentum above 0, or leave it out; where statistics are to stay, put the layer in .eval()",
    ),
    Guard(
        "eval-is-random",
        "training",
        "Two predictions for the same rows are the same.",
        "pass training=self.training to functional.dropout; meant so: facts: {random_predictions: true}",
    ),
    Guard(
        "numbers-not-finite",
        "training",
        "Loss and weights are numbers, neither NaN nor infinite.",
        "look at the samples that are named: a logarithm of zero, a division, a learning rate that is too high",
    ),
    Guard(
        "clipped-to-nothing",
        "training",
        "Clipping keeps outliers of the gradient in bounds and leaves the others their size.",
        "raise fit.clip_norm to about the usual norm: gradient_norm in history.csv",
    ),
    Guard(
        "rate-too-high",
        "training",
        "A step changes weights by less than many times their own size.",
        "lower the learning rate",
    ),
    Guard(
        "steps-skipped",
        "training",
        "Optimizer steps that were planned are taken, and gradients that were computed are used.",
        "fit.precision=bf16-mixed, or 32-true; look for a scaled loss whose gradients overflow, for a step under a "
        "condition, and for a hook that ends epochs",
    ),
    Guard(
        "updates-lost",
        "training",
        "Weights that are held in 16 bits are moved by their updates.",
        "fit.precision=bf16-mixed keeps small updates in weights of 32 bits; a larger learning rate hides it",
    ),
    Guard(
        "same-draws",
        "training",
        "Every training step draws dropout and noise of its own.",
        "take manual_seed out of the step; the core seeds every step from the run's seed",
    ),
    Guard(
        "learning-undone",
        "training",
        "What an epoch has learnt is still there when the next one begins.",
        "look for reset_parameters, load_state_dict or init in hooks that run every epoch",
    ),
    Guard(
        "rate-zero",
        "training",
        "The learning rate is above zero at some step.",
        "correct the learning rate, or the schedule that multiplies it",
    ),
    Guard(
        "schedule-out-of-step",
        "training",
        "A learning-rate schedule runs its course within the steps that are planned.",
        'say how often it steps: {"scheduler": …, "interval": "step"} with '
        'total_steps=trainer.estimated_stepping_batches, or "epoch" with epochs; '
        "meant so: facts: {partial_schedule: true}",
    ),
    Guard(
        "schedule-miscounted",
        "training",
        "A learning-rate schedule is stepped as often as it is said of it.",
        "return it from configure_optimizers and let Lightning step it; or step it by hand and return the optimizer",
    ),
    Guard(
        "samples-missing",
        "training",
        "Every train row is learnt from in the first epoch.",
        "take out what limits or ends the epoch: limit_train_batches, a hook that returns -1",
    ),
    Guard(
        "sorted-batches",
        "training",
        "A batch holds a mixture of classes, as the whole train split does.",
        "DataLoader(…, shuffle=True) for train",
    ),
    Guard(
        "not-learning",
        "training",
        "By half of the planned epochs the predictions for val have been better than a constant's.",
        "overfit a few rows first: limit.rows=50; look at the labels, the loss and the learning rate",
        performance=True,
    ),
    Guard(
        "replicas-differ",
        "training",
        "All processes hold the same weights.",
        "change weights in a hook that every process runs in the same way, or through gradients alone",
    ),
)
