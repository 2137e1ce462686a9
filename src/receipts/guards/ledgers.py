"""The checks made while training, by name; how each is made stands in `training/sentinels`."""

from receipts.guards.catalogue import Guard, declare

declare(
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
        "look for detach(), .data, no_grad or a step without a derivative between it and the loss",
    ),
    Guard(
        "never-moves",
        "training",
        "Parameters with a gradient and a learning rate move.",
        "see that the optimizer steps, and that nothing puts the weights back; in 16-bit weights, "
        "fit.precision=bf16-mixed keeps the small updates",
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
)
