"""Values that val lacks though train is full of them, and lone extremes that only val has: levels and specks.

Rounding to fewer levels, or noise that sets single pixels to black or white, leaves mean and deviation where they were.
What gives it away is which values occur at all, and whether extremes stand alone among their neighbours.
"""

from math import sqrt
from typing import Any

import numpy as np

from receipts.data import twins
from receipts.guards.data.recurring import FINE, WIDEST, among

Array = np.ndarray[Any, Any]

LOOKED = 1000  # rows of each split
RECURS, OWED = 5, 20  # rows that a value stands in, and rows of the other split that should have such a value: chance
# lacks so many never
NESTED = 0.9  # share of the poorer split's values that the other one knows; rows of other people have other values
LACKED, INSIDE = 0.4, 0.05  # share of what lies within the other's range that it lacks; of all values that lie there
ALONE = 0.5  # of the range: so far from all neighbours stands a speck
MANY, TIMES, SURE = 0.15, 5.0, 6.0  # share of val images with a speck, times train's, and by how many deviations
LEAST = 0.01  # share of train images with a speck that is not told from none


def apart(train: Array, val: Array, table: bool) -> str:
    """In words, how levels or specks set the splits apart; empty where they do not."""
    return coarser(train, val, table) or ("" if table else specked(train, val))


def coarser(train: Array, val: Array, table: bool) -> str:
    """In words, which of two splits has too few levels; empty where neither has. Inputs are `(n, …)`.

    Of a table more than half of the columns, and more than two, have to have too few.
    """
    train, val = thinned(train), thinned(val)
    for name, full, poor in (("val", train, val), ("train", val, train)):
        if not table and lacked(full, poor) >= LACKED:
            shares = f"{levels(poor)} values recur in it, {levels(full)} in the other split"
            return f"{name} has too few levels: {shares}"
        if table and full.shape[1] <= WIDEST:
            known = [lacked(one[:, None], other[:, None]) for one, other in zip(full.T, poor.T, strict=True)]
            if (n := sum(each >= LACKED for each in known)) > max(2, len(known) / 2):
                return f"{name} has too few levels in {n} of {len(known)} columns"
    return ""


def thinned(inputs: Array) -> Array:
    """Rows spread over a split, each flat."""
    at = np.unique(np.linspace(0, len(inputs) - 1, min(len(inputs), LOOKED)).astype(int))
    return np.asarray(inputs[at].reshape(len(at), -1))


def lacked(full: Array, poor: Array) -> float:
    """The share of one split's values `(n, d)`, within the other's range, that the other should have and lacks."""
    spread = float(full.std())
    if spread == 0:
        return 0.0
    one, other = (np.round(part / (spread * FINE)).astype(np.int64) for part in (full, poor))
    known, (values, counts) = np.unique(other), np.unique(one, return_counts=True)
    between = (values > known[0]) & (values < known[-1])
    inside = counts[between].sum()
    if inside < INSIDE * counts.sum() or np.mean(among(other, values)) < NESTED:
        return 0.0
    missing = values[between & ~among(values, known)]
    rows = rows_with(one, missing)
    owed = rows >= RECURS
    if rows[owed].sum() * len(poor) / len(full) < OWED:
        return 0.0
    return float(counts[np.isin(values, missing[owed])].sum() / inside)


def rows_with(values: Array, asked: Array) -> Array:
    """In how many rows each asked value stands, `asked` being sorted."""
    if not len(asked):
        return np.zeros(0)
    place = np.minimum(np.searchsorted(asked, values), len(asked) - 1)
    row, at = np.nonzero(asked[place] == values)
    pairs = np.unique(row * len(asked) + place[row, at])
    return np.bincount(pairs % len(asked), minlength=len(asked))


def levels(inputs: Array) -> int:
    """How many values occur at least twice."""
    return int((np.unique(inputs, return_counts=True)[1] > 1).sum())


def specked(train: Array, val: Array) -> str:
    """In words, whether val's images are sprinkled with lone extremes, and train's are not; empty otherwise."""
    axes = twins.grid(train.shape[1:])
    if axes is None:
        return ""
    low, high = float(train.min()), float(train.max())
    here, there = (share_specked(part, axes, low, high) for part in (train, val))
    usual = max(here, LEAST)
    error = sqrt(usual * (1 - usual) / min(len(train), LOOKED) + there * (1 - there) / min(len(val), LOOKED))
    if there >= MANY and there > TIMES * usual and there - usual > SURE * error:
        return f"{there:.0%} of val images have a lone extreme pixel among others unlike it, {here:.0%} of train's have"
    return ""


def share_specked(images: Array, axes: tuple[int, int], low: float, high: float) -> float:
    """The share of images with a pixel at an end of the range, and all four next to it far from there."""
    at = np.unique(np.linspace(0, len(images) - 1, min(len(images), LOOKED)).astype(int))
    grids = np.moveaxis(images[at], axes, (-2, -1)).astype(np.float32)
    inner, far = grids[..., 1:-1, 1:-1], ALONE * (high - low)
    beside = np.stack([grids[..., :-2, 1:-1], grids[..., 2:, 1:-1], grids[..., 1:-1, :-2], grids[..., 1:-1, 2:]])
    alone = ((inner >= high) & (beside.max(0) <= high - far)) | ((inner <= low) & (beside.min(0) >= low + far))
    return float(alone.reshape(len(alone), -1).any(1).mean())
