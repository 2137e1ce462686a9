"""Functional dropout that nobody told when to stop."""

import ast
from collections.abc import Iterator

from receipts.config.compose import Experiment
from receipts.guards.static.source import FUNCTIONS, Source, calls, given, names

FUNCTIONAL = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


def always_on(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Calls of `functional.dropout` without `training`, outside of what only training runs."""
    for source in sources:
        for call in calls(source.tree):
            module, _, name = source.meant(call.func).rpartition(".")
            stated = given(call, "training", 2)
            if module == "torch.nn.functional" and name in FUNCTIONAL and stated is None and not guarded(source, call):
                yield f"{source.at(call)}: {ast.unparse(call)} drops while predicting too"


def guarded(source: Source, call: ast.Call) -> bool:
    """Whether a call stands under a test of `training`, or in `training_step`."""
    for node in source.above(call):
        if isinstance(node, ast.If | ast.IfExp) and "training" in names(node.test):
            return True
        if isinstance(node, FUNCTIONS):
            return node.name == "training_step"
    return False
