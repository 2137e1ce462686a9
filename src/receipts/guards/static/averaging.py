"""Averages of weights: whether an experiment keeps one, and whether that agrees with what its author declares."""

import ast
from collections.abc import Iterator

from receipts.config.compose import Experiment
from receipts.guards.static.source import Source, called, of, vocabulary, words

NAMES = vocabulary("ema swa averaging averaged averager polyak")
LIGHTNINGS = vocabulary("WeightAveraging EMAWeightAveraging StochasticWeightAveraging")  # which leave it to be scored


def as_declared(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """What `facts.ema` says of the scored weights against what averages them."""
    declared, averages = experiment.config.facts.ema, list(keepers(sources, experiment))
    if declared == "scored" and not averages:
        yield "facts.ema says that the average is scored, and nothing averages weights"
    if declared == "raw":
        for name in callbacks(experiment):
            if name in LIGHTNINGS:
                yield f"facts.ema says that the raw weights are scored, and {name} leaves the average in their place"


def keeps_one(experiment: Experiment) -> bool:
    """Whether anything in the YAML or in the code that it names averages weights, as far as names tell."""
    return any(True for _ in keepers(of(experiment), experiment))


def keepers(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """The names of what averages: callbacks, classes that are defined or called, and attributes of modules."""
    named = [f"{name}_weights" for name in callbacks(experiment)]
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                named.append(node.name)
            elif isinstance(node, ast.Call) and called(node)[:1].isupper():
                named.append(called(node))
            elif isinstance(node, ast.Assign):
                named += [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
    return (name for name in named if is_average(name))


def is_average(name: str) -> bool:
    """Whether a name is that of averaged weights: `ModelEmaV2`, `AveragedModel`; an `average` may be of anything."""
    found = set(words(name))
    return bool(found & NAMES) or ("average" in found and bool(found & {"weight", "weights", "model"}))


def callbacks(experiment: Experiment) -> list[str]:
    """The classes of the experiment's callbacks."""
    return [str(each.get("_target_", "")).rpartition(".")[2] for each in experiment.config.fit.callbacks]
