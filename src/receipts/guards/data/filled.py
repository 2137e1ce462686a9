"""Missing values that were filled in by label: a value stands for each class, in the middle of it, and for no other.

Whoever fills gaps with the mean of the class writes the answer into each such row, of val and test as well.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

RECURS = 4  # rows of train that a value is in
MOST = 0.8  # of the classes have a value of their own
NEAR = 0.25  # of the column's spread: so far from the mean of its class such a value lies, at most
COLUMNS, SHARE, WIDEST = 3, 0.2, 1024  # columns in which it is so, at least, and the most that are looked at
RIGHT, FEWEST = 0.95, 5  # share of val rows with such a value that are of its class, and how many there are


def by_label(train: Array, y: Array, val: Array, y_val: Array) -> str:
    """In words, in how many columns `(n, columns)` gaps were filled with a value for each class; empty where none."""
    classes, width = np.unique(y), train.shape[1]
    if width > WIDEST or len(classes) < 2:
        return ""
    found, hits, right = 0, 0, 0
    for column, other in zip(train.T, val.T, strict=True):
        values, owners = of_one_class(column, y, classes)
        if MOST * len(classes) <= len(np.unique(owners)) and len(values) <= len(classes):
            place = np.minimum(np.searchsorted(values, other), len(values) - 1)
            here = values[place] == other
            found, hits = found + 1, hits + int(here.sum())
            right += int((owners[place] == y_val)[here].sum())
    if found < max(COLUMNS, SHARE * width) or hits < FEWEST or right < RIGHT * hits:
        return ""
    told = f"in {found} of {width} columns one value stands for each class and for no other, near its mean"
    return f"{told}; so do {right} of {hits} such values in val: gaps were filled by label"


def of_one_class(column: Array, y: Array, classes: Array) -> tuple[Array, Array]:
    """The values that recur in one class alone, near its mean, sorted, and the classes that they are of."""
    values, at, n = np.unique(column, return_inverse=True, return_counts=True)
    place = np.searchsorted(classes, y)
    low, high = np.full(len(values), len(classes)), np.full(len(values), -1)
    np.minimum.at(low, at, place)
    np.maximum.at(high, at, place)
    means = np.bincount(place, column, minlength=len(classes)) / np.bincount(place, minlength=len(classes))
    own = (n >= RECURS) & (low == high)
    own[own] = np.abs(values[own] - means[low[own]]) <= NEAR * column.std()
    return values[own], classes[low[own]]
