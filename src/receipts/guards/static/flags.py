"""Switches that are meant for debugging and were left on."""

import ast
from collections.abc import Iterator

from receipts.config.compose import Experiment, flat
from receipts.guards.static.source import Source, constant, vocabulary

PARTS = ("limit_train_batches", "limit_val_batches", "limit_test_batches", "limit_predict_batches", "overfit_batches")
SWITCHES = vocabulary("fast_dev_run debug debugging dry_run dev_run quick_test toy sanity_only")


def left_on(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Debugging switches that are on in the experiment's values or in the code it imports."""
    for key in ("model", "data", "fit", "transforms", "augment"):
        for name, value in flattened(experiment.values[key], key):
            if is_on(name.rpartition(".")[2], value):
                yield f"{name} is {value!r}"
    for source in sources:
        for node in ast.walk(source.tree):
            for name, value in bindings(node):
                if is_on(name, value):
                    yield f"{source.at(node)}: {name} = {value!r}"


def flattened(value: object, key: str) -> Iterator[tuple[str, object]]:
    """Every plain value below a key of the experiment."""
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield from flattened(each, f"{key}[{position}]")
    elif isinstance(value, dict):
        for name, inner in flat(value).items():
            if isinstance(inner, list):
                yield from flattened(inner, f"{key}.{name}")
            else:
                yield f"{key}.{name}", inner


def bindings(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Names that a statement or a call binds to a literal: `debug = True`, `trainer.x = 1`, `Trainer(x=1)`."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name | ast.Attribute):
                yield (target.id if isinstance(target, ast.Name) else target.attr), constant(node.value)
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            yield keyword.arg or "", constant(keyword.value)


def is_on(name: str, value: object) -> bool:
    """Whether a switch of this name and value leaves out data or steps; `...` stands for an unknown value."""
    if value in (None, ..., False, 0) or isinstance(value, str):
        return False
    whole = isinstance(value, float) and value == 1.0
    return (name in PARTS and not whole) or name.lower() in SWITCHES
