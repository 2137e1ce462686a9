"""The metrics' formulas, by NumPy and SciPy in float64.

Hashed into every record as part of the harness. Each is a pure function of two arrays: true classes (N,) and stated
probabilities (N, K), true and given places (N,) among ordered classes, or true and stated values (N,), the elements of
all samples in a row. Its docstring is the definition that the record carries.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
BINS = 15  # of the calibration error
SMALLEST = 2.0**-149  # the smallest positive float32, the type in which probabilities are stored


class UndefinedError(Exception):
    """These data give a metric no value; the message is the reason that the record carries."""


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
