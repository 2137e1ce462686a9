"""Windows of one series on both sides of a split, told by rows that equal others a few columns further on.

A window that begins a little later holds what comes after the earlier one, so a method that trains on it has seen what
it is to predict. Where time divides the rows, the first windows after the cut reach back and none is followed; only
where windows are divided at random are those held back both followed and preceded by train's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from receipts.data.butone import mixed

Array = np.ndarray[Any, Any]

FEWEST, WIDEST = 6, 2000  # columns of a row that may be a window
LAGS = 4  # columns that windows may be apart, at most a third of them
SHARE, CERTAIN = 0.2, 0.01  # of the rows, followed and preceded; how many of them chance may bring


@dataclass(frozen=True)
class Lagged:
    """How many columns the windows are apart, how many of the asked rows are followed and preceded, and some pairs."""

    lag: int
    n: int
    pairs: list[tuple[int, int]]


def search(found: Array, asked: Array, others: Array, bits: Array) -> Lagged | None:
    """Whether a good part of the `asked` rows is both continued and preceded by some of the `others`.

    `bits` say how many bits each column tells rows apart by.
    """
    width = found.shape[1]
    if not FEWEST <= width <= WIDEST:
        return None
    for lag in range(1, min(LAGS, width // 3) + 1):
        if len(others) * 2 ** (-float(bits[lag:].sum()) / 2) > CERTAIN:
            continue
        head, tail = ends(found, lag)
        moving = head[asked] != tail[asked]  # a row of one value alone follows itself
        after, before = np.isin(tail[asked], head[others]), np.isin(head[asked], tail[others])
        n = min(int((part & moving).sum()) for part in (after, before))
        if n >= SHARE * len(asked):
            some = asked[after & moving][:3]
            return Lagged(lag, n, [(int(row), int(others[head[others] == tail[row]][0])) for row in some])
    return None


def ends(found: Array, lag: int) -> tuple[Array, Array]:
    """Hashes of each row without its last columns, and without its first ones."""
    width = found.shape[1] - lag
    head, tail = np.zeros(len(found), np.uint64), np.zeros(len(found), np.uint64)
    for place in range(width):
        head += mixed(found[:, place], place)
        tail += mixed(found[:, place + lag], place)
    return head, tail
