"""The metrics: what each of them means, and its value by NumPy and scikit-learn in float64.

One of the three files whose hash stands in every record. A metric is a pure function of two arrays: true classes (N,)
and stated probabilities (N, K), or true and stated values (N,), the elements of all samples in a row. Its docstring
is the definition that the record carries. `second` computes the same by torchmetrics; where the two disagree there
is no number.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from receipts.evaluation.predictions import Predictions, unknown_kind
from receipts.refusal import Refusal, nearest
from receipts.runs.record import Metric

if TYPE_CHECKING:
    from receipts.config.schema import Task

Array = NDArray[Any]
BINS = 15  # of the calibration error
SMALLEST = 2.0**-149  # the smallest positive float32, the type in which probabilities are stored


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
    """All metrics of the task's kind, or those named, over labelled predictions.

    With `second` torchmetrics computes each once more and a `CheckFailed` tells those that differ. A metric that is
    undefined on these data is None and says why.
    """
    check_task(task)
    chosen = {name: definition(task.kind, name) for name in (TABLE[task.kind] if names is None else names)}
    truth, stated = arrays(predictions, task)
    metrics = {name: compute(found, truth, stated) for name, found in chosen.items()}
    if second:
        from receipts.evaluation.second import cross_check

        cross_check(metrics, truth, stated, counts(truth, stated) if task.kind == "classification" else None)
    return metrics


def confusion(predictions: Predictions, task: "Task") -> NDArray[np.int64]:
    """How many samples of each true class (row) were given each class (column): (K, K), ties to the lowest class."""
    check_task(task)
    if task.kind != "classification":
        raise Refusal(f"a {task.kind} task has no confusion matrix", "it has no classes", "plot values against targets")
    return counts(*arrays(predictions, task))


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
    """Refuse a task that cannot be scored: its kind or primary metric is unknown, or its classes are not stated."""
    definition(task.kind, task.primary)
    if task.kind == "classification" and (task.classes is None or task.classes < 2):
        raise Refusal(
            f"task.classes is {task.classes}",
            "a classification task has at least two; their number is the width of every prediction",
            "state task.classes in the data's file under conf/data/",
        )


def arrays(predictions: Predictions, task: "Task") -> tuple[Array, Array]:
    """What is true and what was stated, in float64: classes (N,) and probabilities (N, K), or all elements in a row."""
    stated, targets = predictions.stated.astype(np.float64), predictions.targets
    if targets is None:
        raise Refusal(
            "these predictions have no targets", "without the truth there is no score", "score a labelled split"
        )
    if task.kind == "classification" and predictions.value is None and stated.shape[1] == task.classes:
        return targets, stated
    if task.kind == "regression" and predictions.probabilities is None:
        return targets.ravel().astype(np.float64), stated.ravel()
    raise Refusal(
        f"{'values' if predictions.probabilities is None else 'probabilities'} of shape {stated.shape} "
        f"do not answer a {task.kind} task" + (f" of {task.classes} classes" if task.classes else ""),
        "they were predicted for another task",
        "score them by the configuration of their own run: python eval.py run_id=RUN",
    )


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


def counts(truth: Array, stated: Array) -> NDArray[np.int64]:
    """The confusion matrix (K, K) of classes (N,) and probabilities (N, K)."""
    classes = stated.shape[1]
    return np.bincount(truth * classes + stated.argmax(axis=1), minlength=classes**2).reshape(classes, classes)


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
    from sklearn.metrics import roc_auc_score

    classes = stated.shape[1]
    if absent := np.flatnonzero(np.bincount(truth, minlength=classes) == 0).tolist():
        raise UndefinedError(f"no target is of class {', '.join(map(str, absent))}")
    ones = [1] if classes == 2 else range(classes)
    return float(np.mean([roc_auc_score(truth == one, stated[:, one]) for one in ones]))


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
    "regression": {
        "mae": Definition(mae, "lower", (0, None)),
        "rmse": Definition(rmse, "lower", (0, None)),
        "r2": Definition(r2, "higher", (None, 1)),
        "spearman": Definition(spearman, "higher", (-1, 1)),
    },
}
