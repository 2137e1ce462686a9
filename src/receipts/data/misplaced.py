"""Labels that belong to the row before or after, as when one of two files has a header line more.

Where rows come in no order, so that neither inputs nor labels have anything to do with those of the next row, inputs
can tell nothing of the next row's label, unless it is theirs. Time series, sorted files and rows in pairs have an
order, and are not asked.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

PLACES = (1, -1, 2, -2)  # rows that labels may be off by
FEWEST, MOST, WIDEST = 100, 5000, 256  # rows and columns that are looked at
ROWS = 4  # rows a column, at least, so that columns explain something
ORDERED = 0.03  # share that a row explains of the next one, from which on rows come in an order
COPY = 0.98  # correlation of a column that repeats the label of another row
NOTHING, RULE = 0.05, 0.25  # share that inputs explain of labels that are not theirs, and of those that are


def by(found: Array, targets: Array) -> int | None:
    """How many rows later the labels stand that belong to inputs `(N, columns)`; None where they stand right."""
    x, y = found[:MOST].astype(np.float64), numbers(targets[:MOST])
    x = x[:, x.std(0) > 0]
    n, width = x.shape
    if y is None or n < max(FEWEST, ROWS * width) or not 0 < width <= WIDEST:
        return None
    if max(explained(x[:-1], x[1:]), explained(y[:-1], y[1:])) > ORDERED or explained(x, y) > NOTHING:
        return None
    told = {place: explained(*apart(x, y, place)) for place in PLACES}
    best = max(told, key=lambda place: told[place])
    return best if told[best] >= RULE and not repeats(*apart(x, y, best)) else None


def repeats(x: Array, y: Array) -> bool:
    """Whether a column is the label itself, as where inputs are what was measured before."""
    x, y = ((part - part.mean(0)) / np.maximum(part.std(0), 1e-12) for part in (x, y))
    return bool(np.abs(x.T @ y / len(x)).max() > COPY)


def numbers(targets: Array) -> Array | None:
    """Labels as columns of numbers: one for each class, or the value itself; None of any other kind."""
    if targets.ndim != 1 or targets.dtype.kind not in "biuf" or targets.std() == 0:
        return None
    if targets.dtype.kind == "f":
        return np.asarray(targets, dtype=np.float64)[:, None]
    classes = np.unique(targets)
    return None if len(classes) > WIDEST else (targets[:, None] == classes).astype(np.float64)


def apart(x: Array, y: Array, place: int) -> tuple[Array, Array]:
    """Each row's inputs beside the label so many rows later."""
    return (x[:-place], y[place:]) if place > 0 else (x[-place:], y[:place])


def explained(x: Array, y: Array) -> float:
    """The share of the spread of `y` that a plane of `x` explains, beyond what so many columns do by chance."""
    x, y = x - x.mean(0), y - y.mean(0)
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    n, width = x.shape
    return float(1 - (left**2).sum() / max(float((y**2).sum()), 1e-30) * (n - 1) / (n - width - 1))
