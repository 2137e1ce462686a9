"""Nearly equal samples on both sides of a split: re-encoded, mirrored or slightly changed copies.

What is near is measured against the data themselves: a row is a twin of its nearest neighbour where that lies within a
fraction of the distance of the neighbours next in order. Rows scattered in d dimensions have a twin by accident with
probability (k - 1) · fraction^d; d is estimated from the neighbours (Levina and Bickel 2004), and rows of train that
have a twin in train show what is natural. So a table of three coarse columns, a spread of images and a
file in which neighbours resemble each other each bring their own measure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from receipts.data.items import samples
from receipts.data.protocol import is_lazy

Array = np.ndarray[Any, Any]

FRACTION = 0.25  # of the distance of the K-th neighbour: nearer is a twin
K = 6  # so that five copies of one sample are still seen to be copies
ORDERS = 10  # neighbours that dimension is estimated from
LOOKED = 2500  # rows of each split that are looked up; more tell nothing new
CELLS = 8  # of an image, each way: what re-encoding leaves alone
WIDE = 256  # features above which a random projection keeps distances (Johnson and Lindenstrauss 1984)
BLOCK = 256


@dataclass(frozen=True)
class Twins:
    """How many of `looked` rows have a twin in the other splits, and what share would by accident.

    `inside` is the share of train rows with a twin in train, `pairs` the first few: (row, its twin, distance over
    that of its K-th neighbour).
    """

    n: int
    looked: int
    inside: float
    by_accident: float
    pairs: list[tuple[int, int, float]]


def features(dataset: Any) -> Array | None:
    """Every sample as one row of float32 `(N, features)`; None where samples are no numbers of one shape.

    Images are averaged over a few cells, tables keep their columns.
    """
    n, lazy = len(dataset.ids), is_lazy(dataset)
    inputs = None if lazy else dataset.inputs
    if isinstance(inputs, np.ndarray):
        return None if inputs.dtype.kind not in "biuf" else coarse(inputs)
    found = []
    for sample in samples(dataset, range(n)):
        parts = list(sample.values()) if isinstance(sample, dict) else [sample]
        arrays = [np.asarray(part) for part in parts]
        if any(array.dtype.kind not in "biuf" for array in arrays):
            return None
        found.append(np.concatenate([coarse(array[None])[0] for array in arrays]))
    return np.stack(found) if len({len(row) for row in found}) == 1 else None


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether a sample of this shape is a grid: both of its last two axes, or the two before channels, are long."""
    return grid(shape) is not None


def grid(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The two axes of a sample that span an image, counted from the end of its shape; None where it is none."""
    if len(shape) >= 2 and min(shape[-2:]) > 4:
        return -2, -1
    return (-3, -2) if len(shape) == 3 and min(shape[:2]) > 4 else None


def coarse(inputs: Array) -> Array:
    """Samples `(n, …)` as rows `(n, features)`: images as means of cells with the width last, all else flattened."""
    axes = grid(inputs.shape[1:])
    if axes is None:
        return np.asarray(inputs, dtype=np.float32).reshape(len(inputs), -1)
    rows = [pooled(np.moveaxis(np.asarray(block, np.float32), axes, (-2, -1))) for block in chunks(inputs)]
    return np.concatenate(rows).reshape(len(inputs), -1)


def chunks(inputs: Array) -> Iterable[Array]:
    """Rows a few at a time, so that a memory map is never held whole."""
    return (inputs[first : first + BLOCK] for first in range(0, max(len(inputs), 1), BLOCK))


def pooled(images: Array) -> Array:
    """Images `(n, …, height, width)` as means over at most CELLS × CELLS cells."""
    for axis in (-2, -1):
        size = ceil(images.shape[axis] / CELLS)
        starts = np.arange(0, images.shape[axis], size)
        images = np.add.reduceat(images, starts, axis=axis) / np.diff([*starts, images.shape[axis]]).reshape(
            (-1, 1) if axis == -2 else (-1,)
        ).astype(np.float32)
    return images


def mirrored(rows: Array, shape: tuple[int, ...]) -> Array | None:
    """Rows of images with left and right exchanged; None where samples are no images."""
    if (axes := grid(shape)) is None:
        return None
    width = shape[axes[1]]
    cells = len(range(0, width, ceil(width / CELLS)))
    return np.asarray(rows.reshape(len(rows), -1, cells)[:, :, ::-1].reshape(len(rows), -1))


class Space:
    """Samples in a space where distance means something: columns of a table in units of their own spread."""

    def __init__(self, found: Array, train: Array, shape: tuple[int, ...]) -> None:
        self.centre = found[train].mean(0, dtype=np.float64).astype(np.float32)
        spread = found[train].std(0) if grid(shape) is None else np.full(found.shape[1], found[train].std())
        kept = spread > 1e-6 * max(float(spread.max()), 1e-30)
        self.kept, self.spread, self.shape = kept, spread[kept], shape
        self.found = found
        width = int(kept.sum())
        draws = np.random.default_rng(0).normal(size=(width, WIDE)) / np.sqrt(WIDE) if width > WIDE else None
        self.projection = None if draws is None else draws.astype(np.float32)

    def rows(self, rows: Array, mirror: bool = False) -> Array:
        """Rows of the dataset as points, mirrored ones where asked."""
        found = self.found[rows]
        flipped = mirrored(found, self.shape) if mirror else None
        return self.points(found if flipped is None else flipped)

    def points(self, found: Array) -> Array:
        """Features of rows as points."""
        points: Array = (found - self.centre)[:, self.kept] / self.spread
        return points if self.projection is None else np.asarray(points @ self.projection)

    @property
    def has_mirror(self) -> bool:
        """Whether samples are images, which may have been mirrored."""
        return grid(self.shape) is not None


def search(space: Space, asked: Array, others: Array, train: Array, x: Array, fraction: float) -> Twins | None:
    """Twins of the `asked` rows among the `others`; exact copies, equal in `x`, are counted elsewhere.

    None where there are too few rows to say what is near.
    """
    if len(others) <= 2 * ORDERS or len(train) <= 2 * ORDERS:
        return None
    looked, inside = spread_over(asked), spread_over(train)
    distances, nearest = neighbours(space, looked, others)
    own, own_nearest = neighbours(space, inside, train)
    dimension = dimension_of(own)
    found = is_twin(distances, fraction) & (x[looked] != x[nearest])
    natural = is_twin(own, fraction) & (x[inside] != x[own_nearest])
    pairs = [
        (int(looked[at]), int(nearest[at]), float(distances[at, 0] / distances[at, K - 1]))
        for at in np.flatnonzero(found)[:5]
    ]
    by_accident = min(1.0, (K - 1) * fraction**dimension)
    return Twins(int(found.sum()), len(looked), float(natural.mean()), by_accident, pairs)


def is_twin(distances: Array, fraction: float) -> Array:
    """Whether the first of the sorted distances `(n, ORDERS)` is less than a fraction of the K-th."""
    return np.asarray((distances[:, 0] < fraction * distances[:, K - 1]) & (distances[:, K - 1] > 0))


def spread_over(rows: Array) -> Array:
    """Some rows, evenly spread."""
    return np.asarray(rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), LOOKED)).astype(int))])


def neighbours(space: Space, asked: Array, others: Array) -> tuple[Array, Array]:
    """Distances `(n, ORDERS)` of each asked row to its nearest other rows, mirrored or not, and the nearest row `(n,)`.

    A row is no neighbour of itself; `others` are sorted.
    """
    points = space.rows(others)
    squares = (points**2).sum(1)
    found, rows = [], []
    for first in range(0, len(asked), BLOCK):
        block = asked[first : first + BLOCK]
        apart = squared(space.rows(block), points, squares)
        if space.has_mirror:
            apart = np.minimum(apart, squared(space.rows(block, mirror=True), points, squares))
        own = np.minimum(np.searchsorted(others, block), len(others) - 1)
        itself = others[own] == block
        apart[np.flatnonzero(itself), own[itself]] = np.inf
        order = np.argpartition(apart, ORDERS, axis=1)[:, :ORDERS]
        near = np.take_along_axis(apart, order, axis=1)
        rank = np.argsort(near, axis=1)
        found.append(np.sqrt(np.take_along_axis(near, rank, axis=1)))
        rows.append(others[np.take_along_axis(order, rank[:, :1], axis=1)[:, 0]])
    return np.concatenate(found), np.concatenate(rows)


def squared(block: Array, points: Array, squares: Array) -> Array:
    """Squared distances between each row of a block and each point."""
    return np.asarray(np.maximum((block**2).sum(1)[:, None] + squares[None] - 2 * block @ points.T, 0))


def dimension_of(distances: Array) -> float:
    """In how many dimensions points are scattered, from their sorted neighbours; the nearest two, which may be twins,
    are left out. Median over points of Levina and Bickel's estimate.
    """
    last, rest = distances[:, -1:], distances[:, 2:-1]
    usable = (rest > 0).all(1)
    if not usable.any():
        return 1.0
    logs = np.log(last[usable] / rest[usable]).mean(1)
    return float(1 / max(np.median(logs), 1e-3))
