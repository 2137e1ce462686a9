"""The metrics: which of them answer a task, what each of them is, and its value over stored predictions.

Hashed into every record as part of the harness. A metric is a pure function of two arrays (`formulas`); `second`
computes the same by torchmetrics, and where the two disagree there is no number.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from receipts.evaluation import formulas
from receipts.evaluation.formulas import Array, UndefinedError, counts
from receipts.evaluation.predictions import CLASSES, Predictions, unknown_kind
from receipts.refusal import Refusal, nearest
from receipts.runs.record import Metric

if TYPE_CHECKING:
    from receipts.config.schema import Task

SCORED_AS = {"class": "classification", "ordinal": "ordinal", "value": "regression"}  # a view and its metrics
VIEWS = {  # how the raw labels of a kind may be scored; the first is its own
    "classification": ("class",),
    "ordinal": ("ordinal", "class", "value"),
    "regression": ("value",),
}


@dataclass(frozen=True)
class Definition:
    """A metric: how it is computed, which way is better, and between which values it lies (None: unbounded)."""

    compute: Callable[[Array, Array], float]
    better: Literal["higher", "lower"]
    range: tuple[float | None, float | None]

    @property
    def meaning(self) -> str:
        """Its definition in one sentence: averaging, ties, thresholds, and when it is undefined."""
        return " ".join((self.compute.__doc__ or "").split())


def evaluate(
    predictions: Predictions, task: "Task", names: Iterable[str] | None = None, *, second: bool = True
) -> dict[str, Metric]:
    """All metrics of the task's view, or those named, over labelled predictions.

    With `second` torchmetrics computes each once more and a `CheckFailed` tells those that differ. A metric that is
    undefined on these data is None and says why.
    """
    check_task(task)
    kind = scored_as(task)
    chosen = {name: definition(kind, name) for name in (TABLE[kind] if names is None else names)}
    truth, stated = arrays(predictions, task)
    metrics = {name: compute(found, truth, stated) for name, found in chosen.items()}
    if second:
        from receipts.evaluation.second import cross_check

        cross_check(kind, metrics, truth, stated, None if kind == "regression" else counts(truth, stated, task.classes))
    return metrics


def confusion(predictions: Predictions, task: "Task") -> NDArray[np.int64]:
    """How many samples of each true class (row) were given each class (column): (K, K), ties to the lowest class."""
    check_task(task)
    if (kind := scored_as(task)) == "regression":
        raise Refusal(f"a {kind} task has no confusion matrix", "it has no classes", "plot values against targets")
    return counts(*arrays(predictions, task), task.classes)


def scored_as(task: "Task") -> str:
    """Whose metrics answer a task, `classification`, `ordinal` or `regression`: its view's, or its own kind's."""
    if task.kind not in VIEWS:
        raise unknown_kind(task.kind)
    allowed = VIEWS[task.kind]
    if (view := task.view or allowed[0]) not in allowed:
        raise Refusal(
            f"task.view is {view!r}, and labels of a {task.kind} task cannot be scored as that",
            f"they can be seen as {' or '.join(allowed)}; only ordered classes have several views",
            f"task.view: {allowed[0]}, or task.kind: ordinal where the classes are in order",
        )
    return SCORED_AS[view]


def metric_names(kind: str) -> list[str]:
    """The metrics of a kind of task, in the order in which they are shown."""
    if kind not in TABLE:
        raise unknown_kind(kind)
    return list(TABLE[kind])


def definition(kind: str, name: str) -> Definition:
    """What a metric is; refuses a name that the harness does not compute, whoever may have logged it."""
    if name not in (known := metric_names(kind)):
        raise Refusal(
            f"{name!r} is no metric of a {kind} task{nearest(name.rpartition('/')[2], known)}",
            f"known are {', '.join(known)}; a value logged by a module can be neither primary nor selected on",
            f"choose one of them as task.primary and fit.select.metric: {known[0]}, say",
        )
    return TABLE[kind][name]


def direction(kind: str, name: str) -> Literal["higher", "lower"]:
    """Which values of a metric are better."""
    return definition(kind, name).better


def check_task(task: "Task") -> None:
    """Refuse a task that cannot be scored: kind, view or primary metric is unknown, or its classes are not stated."""
    definition(scored_as(task), task.primary)
    if task.kind in CLASSES and (task.classes is None or task.classes < 2):
        raise Refusal(
            f"task.classes is {task.classes}",
            f"a task of kind {task.kind} has at least two; their number is the width of every prediction",
            "state task.classes in the data's file under conf/data/",
        )


def arrays(predictions: Predictions, task: "Task") -> tuple[Array, Array]:
    """What is true and what was stated, as the task's view asks for it.

    Classes (N,) and probabilities (N, K); places (N,) among ordered classes, both in int64; or all elements in a row,
    where a class is worth its number and probabilities their expected value.
    """
    stated, targets, kind = predictions.stated.astype(np.float64), predictions.targets, scored_as(task)
    as_classes = predictions.value is None and stated.shape[1] == task.classes
    as_values = predictions.probabilities is None and (task.kind == "regression" or stated.ndim == 1)
    if targets is None:
        raise Refusal(
            "these predictions have no targets", "without the truth there is no score", "score a labelled split"
        )
    if kind == "classification" and as_classes:
        return targets, stated
    if kind == "ordinal" and (as_classes or as_values):
        return targets.astype(np.int64), stated.argmax(axis=1) if as_classes else places(stated, task.classes or 0)
    if kind == "regression" and (as_values or (task.kind == "ordinal" and as_classes)):
        expected = stated @ np.arange(stated.shape[1]) / stated.sum(axis=1) if as_classes else stated.ravel()
        return targets.ravel().astype(np.float64), expected
    asked = f"a {kind}" if kind == task.kind != "ordinal" else f"an ordinal task scored as {kind}"
    raise Refusal(
        f"{'values' if predictions.probabilities is None else 'probabilities'} of shape {stated.shape} "
        f"do not answer {asked} task" + (f" of {task.classes} classes" if task.classes else ""),
        "they were predicted for another task",
        "score them by the configuration of their own run: python eval.py run_id=RUN",
    )


def places(values: Array, classes: int) -> NDArray[np.int64]:
    """The ordered class (N,) that a value (N,) is nearest to, halves up; beyond the ends it is the first or last."""
    return np.floor(values + 0.5).clip(0, classes - 1).astype(np.int64)


def compute(found: Definition, truth: Array, stated: Array) -> Metric:
    """One metric of two arrays, or None and the reason."""
    value, undefined = None, None
    try:
        with np.errstate(all="ignore"):
            value = float(found.compute(truth, stated))
        if not np.isfinite(value):
            raise UndefinedError("not a finite number in float64: the values are too large or too small")
    except UndefinedError as reason:
        value, undefined = None, str(reason)
    return Metric(value, None, found.better, found.range, found.meaning, undefined)


TABLE = {  # the first is the one shown first
    "classification": {
        "accuracy": Definition(formulas.accuracy, "higher", (0, 1)),
        "balanced_accuracy": Definition(formulas.balanced_accuracy, "higher", (0, 1)),
        "macro_f1": Definition(formulas.macro_f1, "higher", (0, 1)),
        "micro_f1": Definition(formulas.micro_f1, "higher", (0, 1)),
        "nll": Definition(formulas.nll, "lower", (0, None)),
        "brier": Definition(formulas.brier, "lower", (0, 2)),
        "ece": Definition(formulas.ece, "lower", (0, 1)),
        "auroc": Definition(formulas.auroc, "higher", (0, 1)),
    },
    "ordinal": {
        "mae": Definition(formulas.ordinal_mae, "lower", (0, None)),
        "qwk": Definition(formulas.qwk, "higher", (-1, 1)),
        "spearman": Definition(formulas.ordinal_spearman, "higher", (-1, 1)),
        "accuracy": Definition(formulas.ordinal_accuracy, "higher", (0, 1)),
    },
    "regression": {
        "mae": Definition(formulas.mae, "lower", (0, None)),
        "rmse": Definition(formulas.rmse, "lower", (0, None)),
        "r2": Definition(formulas.r2, "higher", (None, 1)),
        "spearman": Definition(formulas.spearman, "higher", (-1, 1)),
    },
}
