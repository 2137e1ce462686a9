"""The metrics: what each of them means, and its value by NumPy and SciPy in float64.

One of the three files whose hash stands in every record. A metric is a pure function of two arrays: true classes (N,)
and stated probabilities (N, K), true and given places (N,) among ordered classes, or true and stated values (N,), the
elements of all samples in a row. Its docstring is the definition that the record carries. `second` computes the same
by torchmetrics; where the two disagree there is no number.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from receipts.evaluation.predictions import CLASSES, Predictions, unknown_kind
from receipts.refusal import Refusal, nearest
from receipts.runs.record import Metric

if TYPE_CHECKING:
    from receipts.config.schema import Task

Array = NDArray[Any]
BINS = 15  # of the calibration error
SMALLEST = 2.0**-149  # the smallest positive float32, the type in which probabilities are stored
SCORED_AS = {"class": "classification", "ordinal": "ordinal", "value": "regression"}  # a view and its metrics
VIEWS = {  # how the raw labels of a kind may be scored; the first is its own
    "classification": ("class",),
    "ordinal": ("ordinal", "class", "value"),
    "regression": ("value",),
}


class UndefinedError(Exception):
    """These data give a metric no value; the message is the reason that the record carries."""


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


def counts(truth: Array, stated: Array, classes: int | None = None) -> NDArray[np.int64]:
    """The confusion matrix (K, K) of classes (N,) and probabilities (N, K), or of true and given classes (N,) each."""
    classes = classes or stated.shape[1]
    given = stated.argmax(axis=1) if stated.ndim == 2 else stated
    return np.bincount(truth * classes + given, minlength=classes**2).reshape(classes, classes)


def accuracy(truth: Array, stated: Array) -> float:
    """Share of samples whose most probable class is the true one; of equally probable classes the lowest counts."""
    return float((stated.argmax(axis=1) == truth).mean())


def balanced_accuracy(truth: Array, stated: Array) -> float:
    """Unweighted mean of the recall TP / (TP + FN) of each class that occurs among the targets."""
    table = counts(truth, stated)
    occurs = table.sum(axis=1) > 0
    return float((table.diagonal()[occurs] / table.sum(axis=1)[occurs]).mean())


def macro_f1(truth: Array, stated: Array) -> float:
    """Unweighted mean of F1 = 2 TP / (2 TP + FP + FN) of each class that occurs among targets or predictions."""
    table = counts(truth, stated)
    either = table.sum(axis=0) + table.sum(axis=1)
    return float((2 * table.diagonal()[either > 0] / either[either > 0]).mean())


def micro_f1(truth: Array, stated: Array) -> float:
    """F1 of TP, FP and FN summed over all classes; with one class per sample it equals accuracy."""
    table = counts(truth, stated)
    return float(2 * table.trace() / (table.sum(axis=0) + table.sum(axis=1)).sum())


def nll(truth: Array, stated: Array) -> float:
    """Mean of -ln(probability of the true class), in nats; a probability of 0 counts as 2^-149, which is 103.3 nats."""
    return float(-np.log(np.maximum(stated[np.arange(len(truth)), truth], SMALLEST)).mean())


def brier(truth: Array, stated: Array) -> float:
    """Mean over samples of the squared differences between probabilities and truth (1 for the true class, 0 for the
    others), summed over classes (Brier 1950).
    """
    squares, rows = stated**2, np.arange(len(truth))
    squares[rows, truth] = (1 - stated[rows, truth]) ** 2
    return float(squares.sum(axis=1).mean())


def ece(truth: Array, stated: Array) -> float:
    """Mean of |accuracy - mean confidence| over 15 bins of equal width, weighted by their samples; confidence is the
    highest probability, a bin holds its lower edge and the last one 1 as well (Guo et al. 2017).
    """
    confidence, right = stated.max(axis=1), stated.argmax(axis=1) == truth
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, right, BINS) - np.bincount(bins, confidence, BINS)
    return float(np.abs(gaps).sum() / len(truth))


def auroc(truth: Array, stated: Array) -> float:
    """Area under the ROC curve, ties count half: of class 1 where there are two classes, else the unweighted mean of
    each class against the rest; undefined unless every class occurs among the targets.
    """
    classes = stated.shape[1]
    if absent := np.flatnonzero(np.bincount(truth, minlength=classes) == 0).tolist():
        raise UndefinedError(f"no target is of class {', '.join(map(str, absent))}")
    ones = [1] if classes == 2 else range(classes)
    return float(np.mean([ordered_share(stated[truth == one, one], stated[truth != one, one]) for one in ones]))


def ordered_share(above: Array, below: Array) -> float:
    """Share of all pairs in which the first is larger, equal ones half (Mann & Whitney 1947); counted, so exact."""
    below = np.sort(below)
    larger, equal = below.searchsorted(above, "left").sum(), below.searchsorted(above, "right").sum()
    return float((int(larger) + int(equal)) / (2 * len(above) * len(below)))


def mae(truth: Array, stated: Array) -> float:
    """Mean absolute difference of value and target over all elements of all samples, in the target's unit."""
    return float(np.abs(stated - truth).mean())


def rmse(truth: Array, stated: Array) -> float:
    """Root of the mean squared difference of value and target over all elements of all samples, in its unit."""
    return float(np.sqrt(((stated - truth) ** 2).mean()))


def r2(truth: Array, stated: Array) -> float:
    """1 - (squared differences of values and targets) / (of targets and their mean), summed over all elements of all
    samples; undefined where all targets are equal.
    """
    refuse_constant(targets=truth)
    around = truth - truth[0]  # a large offset goes first, so that it costs no digits
    return float(1 - ((stated - truth) ** 2).sum() / ((around - around.mean()) ** 2).sum())


def spearman(truth: Array, stated: Array) -> float:
    """Pearson correlation of the ranks of values and targets over all elements of all samples, ties at their mean
    rank; undefined where all values or all targets are equal.
    """
    from scipy.stats import rankdata

    refuse_constant(targets=truth, values=stated)
    return float(np.corrcoef(rankdata(truth), rankdata(stated))[0, 1])


def ordinal_accuracy(truth: Array, given: Array) -> float:
    """Share of samples whose given class is the true one; the given class is the most probable one, of equally
    probable ones the lowest, or the one nearest to a stated value, halves up.
    """
    return float((given == truth).mean())


def ordinal_mae(truth: Array, given: Array) -> float:
    """Mean number of steps between the given class and the true one, along the order of the classes."""
    return float(np.abs(given - truth).mean())


def qwk(truth: Array, given: Array) -> float:
    """Cohen's kappa with quadratic weights: 1 - (mean squared steps between given and true class of a sample) / (the
    same over all pairs of any given with any true class) (Cohen 1968); undefined where all of both are one class.
    """
    squares = float(((given - truth) ** 2).mean())
    by_chance = float(given.var() + truth.var() + (given.mean() - truth.mean()) ** 2)
    if by_chance == 0:
        raise UndefinedError("all targets and all given classes are one class")
    return 1 - squares / by_chance


def ordinal_spearman(truth: Array, given: Array) -> float:
    """Pearson correlation of the ranks of given and true classes, ties at their mean rank; undefined where all given
    or all true classes are equal.
    """
    return spearman(truth, given)


def refuse_constant(**named: Array) -> None:
    """Raise `UndefinedError` where an array holds one value only."""
    for name, array in named.items():
        if (array == array[0]).all():
            raise UndefinedError(f"all {name} are equal")


TABLE = {  # the first is the one shown first
    "classification": {
        "accuracy": Definition(accuracy, "higher", (0, 1)),
        "balanced_accuracy": Definition(balanced_accuracy, "higher", (0, 1)),
        "macro_f1": Definition(macro_f1, "higher", (0, 1)),
        "micro_f1": Definition(micro_f1, "higher", (0, 1)),
        "nll": Definition(nll, "lower", (0, None)),
        "brier": Definition(brier, "lower", (0, 2)),
        "ece": Definition(ece, "lower", (0, 1)),
        "auroc": Definition(auroc, "higher", (0, 1)),
    },
    "ordinal": {
        "mae": Definition(ordinal_mae, "lower", (0, None)),
        "qwk": Definition(qwk, "higher", (-1, 1)),
        "spearman": Definition(ordinal_spearman, "higher", (-1, 1)),
        "accuracy": Definition(ordinal_accuracy, "higher", (0, 1)),
    },
    "regression": {
        "mae": Definition(mae, "lower", (0, None)),
        "rmse": Definition(rmse, "lower", (0, None)),
        "r2": Definition(r2, "higher", (None, 1)),
        "spearman": Definition(spearman, "higher", (-1, 1)),
    },
}
