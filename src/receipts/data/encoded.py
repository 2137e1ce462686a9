"""Columns that hold the mean label of each category, taken over all rows: what is held back stands among the inputs.

A mean over the rows of a category, times their number, is the sum of their labels. So for every distinct value v of a
column, with n rows, the sum of labels is n·v; after smoothing towards the mean of all rows, and after scaling, it is
still a·n·v + b·n + c·v + d. Four numbers explain dozens of sums to the last digit only where the column was made of
them, and where the labels of train alone are not explained as well, held-back labels are in it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

GROUPS = 24  # distinct values that it takes, for four numbers to explain nothing by themselves
WIDEST, CLASSES = 500, 20
EXACT, APART = 0.005, 0.1  # of the spread of sums: left over where labels made the column, and where they did not
KEPT, ROUNDS = 0.8, 5  # of the values, found in so many rounds: two categories may have one smoothed value by accident


def columns(found: Array, targets: Array, train: Array) -> list[int]:
    """The columns `(N, columns)` that are means of the labels `(N,)` of all rows, and not of the train rows alone."""
    if found.ndim != 2 or found.shape[1] > WIDEST or targets.ndim > 1 or targets.dtype.kind not in "biuf":
        return []
    is_train = np.zeros(len(found), dtype=bool)
    is_train[train] = True
    return [column for column in range(found.shape[1]) if is_encoded(found[:, column], targets, is_train)]


def is_encoded(column: Array, targets: Array, is_train: Array) -> bool:
    """Whether any kind of label, averaged over all rows of equal value, gives the column."""
    values, at = np.unique(column, return_inverse=True)
    if not GROUPS <= len(values) <= len(column) / 2:
        return False
    own = np.unique(at[is_train], return_inverse=True)[1]
    if own.max() + 1 < GROUPS:
        return False
    for label in kinds(targets):
        if left_over(values, at, label) < EXACT:
            return left_over(np.unique(column[is_train]), own, label[is_train]) > APART
    return False


def kinds(targets: Array) -> Iterator[Array]:
    """Labels as numbers: as they are, and of few classes whether it is each of them."""
    labels = targets.astype(np.float64)
    yield labels
    classes = np.unique(targets)
    if targets.dtype.kind in "biu" and 2 < len(classes) <= CLASSES:
        yield from ((targets == each).astype(np.float64) for each in classes)


def left_over(values: Array, at: Array, label: Array) -> float:
    """What is left of the sums of labels, each of a value's rows, once a·n·v + b·n + c·v + d is taken off; 1 is all."""
    n, v = np.bincount(at).astype(np.float64), values.astype(np.float64)
    sums, v = np.bincount(at, label), (v - v.mean()) / max(float(v.std()), 1e-30)
    rows, parts = sums - n * label.mean(), np.stack([n * v, n, v, np.ones_like(v)], axis=1)
    kept = np.arange(len(v))
    for _ in range(ROUNDS):
        weights = np.linalg.lstsq(parts[kept], rows[kept], rcond=None)[0]
        off = np.abs(rows - parts @ weights)
        kept = np.sort(np.argsort(off)[: max(GROUPS, int(KEPT * len(v)))])
    spread = float(np.sqrt((rows[kept] ** 2).mean()))
    return 1.0 if spread == 0 else float(np.sqrt((off[kept] ** 2).mean())) / spread
