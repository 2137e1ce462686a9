"""Rows of a table that are others but for one column, which was put into other units, redrawn or mistyped.

By distance such rows lie far apart, so they are found by equality: of every row the hashes of its columns are added up,
and those of each column in turn taken off again. What the other columns bring by chance, and what train has of its own,
is told along, so that a grid of settings, where every row has such neighbours, is no alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FEWEST, WIDEST = 3, 500  # columns of a table that is searched
ODD = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: Weyl's sequence, as splitmix64 takes it
MIXED = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))  # splitmix64 (Steele et al. 2014)
FEW = 3  # rows, below which nothing is told


@dataclass(frozen=True)
class ButOne:
    """The column, how many of the asked rows, the shares inside train and by chance, the first few pairs of rows."""

    column: int
    n: int
    inside: float
    by_accident: float
    pairs: list[tuple[int, int]]


def search(found: Array, asked: Array, others: Array, inside: Array, train: Array, bits: Array) -> ButOne | None:
    """The column that sets most of the `asked` rows apart from one of the `others`; `inside` are asked rows of train.

    `bits` say how many bits each column tells rows apart by; one that does not vary in train may name a period.
    """
    if not FEWEST <= found.shape[1] <= WIDEST:
        return None
    whole = np.zeros(len(found), np.uint64)
    for column in range(found.shape[1]):
        whole += codes(found, column)
    told = []
    for column in map(int, np.flatnonzero(bits > 0)):
        rest = whole - codes(found, column)
        hit = alike(rest, whole, asked, others)
        if hit.sum() >= FEW:
            own = float(alike(rest, whole, inside, train).mean())
            chance = min(1.0, len(others) * 2 ** (-float(bits.sum() - bits[column]) / 2))
            told.append(ButOne(column, int(hit.sum()), own, chance, list(pairs(rest, whole, asked[hit], others))))
    return max(told, key=lambda each: each.n / len(asked) - each.inside, default=None)


def codes(found: Array, column: int) -> Array:
    """The values of one column as numbers that say which column it is."""
    return mixed(found[:, column], column)


def mixed(column: Array, place: int) -> Array:
    """Values as well mixed numbers of 64 bits, other ones in another place."""
    values = np.ascontiguousarray(column, np.float32) + np.float32(0)  # -0 is 0
    found = values.view(np.uint32).astype(np.uint64) + np.uint64(ODD * (place + 1) % 2**64)
    for shift, factor in MIXED:
        found = (found ^ (found >> np.uint64(shift))) * factor
    return np.asarray(found ^ (found >> np.uint64(31)))


def alike(rest: Array, whole: Array, asked: Array, others: Array) -> Array:
    """Which asked rows have another row among the others that is equal but for the column, and not with it."""
    keys = np.unique(rest[asked])
    near = others[keys[np.minimum(np.searchsorted(keys, rest[others]), len(keys) - 1)] == rest[others]]
    kinds = np.unique(np.stack([rest[near], whole[near]]), axis=1)
    values, counts = np.unique(kinds[0], return_counts=True)
    if not len(values):
        return np.zeros(len(asked), dtype=bool)
    place = np.minimum(np.searchsorted(values, rest[asked]), len(values) - 1)
    many = np.where(values[place] == rest[asked], counts[place], 0)
    return np.asarray(many - np.isin(whole[asked], kinds[1]) > 0)


def pairs(rest: Array, whole: Array, hit: Array, others: Array) -> Iterator[tuple[int, int]]:
    """The first few rows, each with one that is equal to it but for the column."""
    for row in hit[:FEW]:
        same = others[(rest[others] == rest[row]) & (whole[others] != whole[row])]
        yield int(row), int(same[0])
