"""Monitored values: told in the wrong direction, or read from the test split; and whatever else is tuned on test."""

import ast
from collections.abc import Iterator
from typing import Any

from receipts.config.build import calls as constructor_calls
from receipts.config.compose import Experiment
from receipts.guards.static.source import (
    FUNCTIONS,
    Source,
    called,
    calls,
    constant,
    given,
    mentions_test,
    vocabulary,
    words,
)

WATCHERS = ("EarlyStopping", "ModelCheckpoint")  # whose mode is `min` where none is stated
LOWER = vocabulary(
    "loss nll ce bce entropy crossentropy error err mae mse rmse mape brier ece perplexity ppl wer cer fid kl"
)
HIGHER = vocabulary(
    "accuracy acc f1 auroc auc ap map precision recall sensitivity specificity r2 qwk kappa mcc spearman "
    "pearson correlation iou miou dice bleu rouge psnr ssim top1 top3 top5 mrr ndcg"
)
LOADERS = ("train_dataloader", "val_dataloader")
TURNED = vocabulary("neg negative minus inverse inverted one")
TUNING = vocabulary("fit tune tuned calibrate optimise optimize")
CHOOSING = vocabulary("best find choose pick select search")
CHOSEN = vocabulary("threshold thresholds thr cutoff temperature lr params hyperparameters features alpha")
JOINING = vocabulary("concat concatdataset concatenate vstack hstack cat")


def better(name: str) -> str | None:
    """Which direction of a monitored value is better, `max` or `min`, as its name says; None where it does not."""
    found = set(words(name))
    up, down = bool(found & HIGHER), bool(found & LOWER)
    return None if up == down or found & TURNED else "max" if up else "min"


def misdirected(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Callbacks and schedulers whose mode contradicts what they monitor."""
    for position, callback in enumerate(experiment.config.fit.callbacks):
        for key, node in constructor_calls(f"fit.callbacks[{position}]", callback):
            yield from in_yaml(key, node)
    for source in sources:
        for call in calls(source.tree):
            if called(call) in WATCHERS:
                yield from contradiction(source.at(call), called(call), constant(given(call, "monitor")), mode(call))
            elif called(call) == "ReduceLROnPlateau":
                for monitor in monitored_beside(source, call):
                    yield from contradiction(source.at(call), called(call), monitor, mode(call, 1))


def in_yaml(key: str, node: dict[str, Any]) -> Iterator[str]:
    """A callback in the experiment's file."""
    kind = str(node["_target_"]).rpartition(".")[2]
    if "monitor" in node and (kind in WATCHERS or "mode" in node):
        yield from contradiction(key, kind, node["monitor"], node.get("mode", "min"))


def mode(call: ast.Call, position: int | None = None) -> object:
    """The mode of a call; `min` is what the libraries take where none is stated."""
    stated = given(call, "mode", position)
    return "min" if stated is None else constant(stated)


def contradiction(where: str, kind: str, monitor: object, mode: object) -> Iterator[str]:
    """One sentence where the value is better in the other direction; nothing where either is unknown."""
    wanted = better(monitor) if isinstance(monitor, str) else None
    if wanted is not None and mode in ("min", "max") and mode != wanted:
        yield f"{where}: {kind} watches {monitor} with mode={mode}, and its better direction is {wanted}"


def monitored_beside(source: Source, call: ast.Call) -> list[object]:
    """What the scheduler of a call is stepped by: the `monitor` in the dictionaries of the function it stands in."""
    function = next((node for node in source.above(call) if isinstance(node, FUNCTIONS)), None)
    plateaus = [each for each in calls(function) if called(each) == "ReduceLROnPlateau"] if function else []
    if function is None or len(plateaus) != 1:
        return []  # whose monitor is whose would be a guess
    return [
        constant(value)
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if constant(key) == "monitor"
    ]


def by_test(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Places where what is learnt, stopped or tuned reads the test split."""
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                yield from tuned_on_test(source, node)
            elif isinstance(node, ast.Assign):
                yield from joined_to_train(source, node)
            elif isinstance(node, FUNCTIONS) and node.name in LOADERS and (name := mentions_test(node.body)):
                yield f"{source.at(node)}: {node.name} reads {name}"


def tuned_on_test(source: Source, call: ast.Call) -> Iterator[str]:
    """A call that fits, tunes or monitors, and is given something of the test split."""
    monitor = constant(given(call, "monitor"))
    if isinstance(monitor, str) and "test" in words(monitor):
        yield f"{source.at(call)}: {called(call)} monitors {monitor}"
    parts = set(words(called(call)))
    tunes = parts & TUNING or (parts & CHOOSING and parts & CHOSEN) or given(call, "key") is not None
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    if tunes and (name := mentions_test(arguments)):
        yield f"{source.at(call)}: {called(call)} is given {name}"


def joined_to_train(source: Source, node: ast.Assign) -> Iterator[str]:
    """Train rows made of test rows: `data_train = ConcatDataset([data_train, data_test])`."""
    target = node.targets[0]
    if isinstance(target, ast.Name | ast.Attribute) and "train" in words(ast.unparse(target)):
        for call in calls(node.value):
            if called(call).lower() in JOINING and (name := mentions_test(call.args)):
                yield f"{source.at(node)}: {ast.unparse(target)} is joined with {name}"
