"""Columns that hold the mean label of each category, taken over all rows: what is held back stands among the inputs.

A mean over the rows of a category, times their number, is the sum of their labels. So for every distinct value v of a
column, with n rows, the sum of labels is n·v; after smoothing towards the mean of all rows, and after scaling, it is
still a·n·v + b·n + c·v + d. Four numbers explain dozens of sums to the last digit only where the column was made of
them. Held-back labels are in it where those of train alone are not explained as well, and where those of the held-back
rows alone are: a mean over train would know nothing of them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

GROUPS = 24  # distinct values that it takes, for four numbers to explain nothing by themselves
WIDEST, CLASSES = 500, 20
EXACT, APART = 0.005, 0.1  # of the spread of sums: left over where labels made the column, and where they did not
LEAST = 0.1  # of the variance that sums of unlike labels have, or all values have one mean
KEPT, ROUNDS = 0.8, 5  # of the values, found in so many rounds: two categories may have one smoothed value by accident


def columns(found: Array, targets: Array, train: Array) -> list[int]:
    """The columns `(N, columns)` that are means of the labels `(N,)` of all rows, or of each part's own."""
    if found.ndim != 2 or found.shape[1] > WIDEST or targets.ndim > 1 or targets.dtype.kind not in "biuf":
        return []
    is_train = np.zeros(len(found), dtype=bool)
    is_train[train] = True
    return [column for column in range(found.shape[1]) if is_encoded(found[:, column], targets, is_train)]


def is_encoded(column: Array, targets: Array, is_train: Array) -> bool:
    """Whether any kind of label, averaged over all rows of equal value, gives the column."""
    if not GROUPS <= len(np.unique(column)) <= len(column) / 2:
        return False
    for label in kinds(targets):
        if left_over(column, label) < EXACT:
            if left_over(column[is_train], label[is_train]) > APART:
                return True
            return varies_within(column, label) and left_over(column[~is_train], label[~is_train]) < EXACT
    return False


def varies_within(column: Array, label: Array) -> bool:
    """Whether rows of one value have several labels: a column that the label follows from is no mean of them."""
    _, at, n = np.unique(column, return_inverse=True, return_counts=True)
    own = (np.bincount(at, label) / n)[at]
    return bool(np.mean((label - own) ** 2) > LEAST * np.var(label))


def kinds(targets: Array) -> Iterator[Array]:
    """Labels as numbers: as they are, and of few classes whether it is each of them."""
    labels = targets.astype(np.float64)
    yield labels
    classes = np.unique(targets)
    if targets.dtype.kind in "biu" and 2 < len(classes) <= CLASSES:
        yield from ((targets == each).astype(np.float64) for each in classes)


def left_over(column: Array, label: Array) -> float:
    """What is left of the sums of labels over the rows of each value, once a·n·v + b·n + c·v + d is taken off.

    As a part of what b·n + d leaves, which knows of no value; 1 where there are too few values that several rows share.
    """
    values, at, n = np.unique(column, return_inverse=True, return_counts=True)
    several = n > 1
    if several.sum() < GROUPS:
        return 1.0
    v, n, sums = values[several].astype(np.float64), n[several].astype(np.float64), np.bincount(at, label)[several]
    v = (v - v.mean()) / max(float(v.std()), 1e-30)
    parts, plain = np.stack([n * v, n, v, np.ones_like(v)], axis=1), np.stack([n, np.ones_like(n)], axis=1)
    kept = np.arange(len(v))
    for _ in range(ROUNDS):
        off = np.abs(beside(parts, sums, kept))
        kept = np.sort(np.argsort(off)[: max(GROUPS, int(KEPT * len(v)))])
    known = float(np.square(beside(plain, sums, kept)[kept]).mean())
    varied = known > LEAST * float(np.var(label) * n[kept].mean())
    return float(np.sqrt(np.square(beside(parts, sums, kept)[kept]).mean() / known)) if varied else 1.0


def beside(parts: Array, sums: Array, kept: Array) -> Array:
    """What a plane through the kept values leaves of each value's sum."""
    return np.asarray(sums - parts @ np.linalg.lstsq(parts[kept], sums[kept], rcond=None)[0])
