"""Images that are nearly equal only after one of them is turned, mirrored, moved, cropped or made brighter.

No two scenes are so by themselves: somebody multiplied images before dividing them. What counts is a row that lies
much nearer to another's changed form than to the neighbours of that form, and not near it as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import ceil
from typing import Any

import numpy as np

from receipts.data import twins

Array = np.ndarray[Any, Any]

CLOSE, FAR = 0.2, 0.5  # of the distance of the K-th neighbour: a twin after the change, and none before it
LOOKED = 600  # rows of a split that are looked up, since each is asked for in every form
EVENED = ("brighter or of more contrast", "mirrored")  # forms that brightness may have been changed in as well
PART = "a part of it made larger"
SHARES = (0.875, 0.75)  # of each side, that are left of an image: 224 of 256 pixels is the commonest crop
FINE, MOST = 16, 60_000  # cells each way of the images of which parts are looked at, and how many of those there are
WINDOWS = [
    (share, down * (1 - share), right * (1 - share))
    for share in SHARES
    for down, right in ((0.5, 0.5), (0, 0), (0, 1), (1, 0), (1, 1))
]
MOVES = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (2, 0), (-2, 0), (0, 2), (0, -2)]


def search(space: twins.Space, images: Callable[[Array], Array], asked: Array, others: Array) -> tuple[int, int, str]:
    """How many of how many asked rows are such a copy of one of the others, and how the first was made.

    `images` gives rows as they are `(n, …)`; samples that are no images, or too few, have none.
    """
    if not space.has_mirror or len(others) <= 2 * twins.ORDERS:
        return 0, 0, ""
    rows = asked[np.unique(np.linspace(0, len(asked) - 1, min(len(asked), LOOKED)).astype(int))]
    whole, points, plain = images(rows).astype(np.float32), space.rows(others), space.rows(rows)
    usual, hit, told = sixth(plain, points), np.zeros(len(rows), dtype=bool), ""
    axes = twins.grid(whole.shape[1:]) or (-2, -1)
    some = np.unique(np.linspace(0, len(others) - 1, min(len(others), MOST)).astype(int))
    fine = finely(images, others[some], axes)
    for name, form, among, known in chain(
        turns(space, whole, points, others, axes), parts(space, whole, points[some], fine, axes)
    ):
        nearest, found = closest(form, among)
        before = np.sqrt(((plain - known[nearest]) ** 2).sum(1))
        found &= before > FAR * usual
        told = told or (name if found.any() else "")
        hit |= found
    return int(hit.sum()), len(rows), told


def turns(
    space: twins.Space, whole: Array, points: Array, others: Array, axes: tuple[int, int]
) -> Iterator[tuple[str, Array, Array, Array]]:
    """Every form of whole images that is tried, as points, what it is held against, and that as it is."""
    even = evened(space.found[others])
    for name, changed in forms(whole, axes):
        cells = twins.coarse(changed)
        yield name, space.points(cells), points, points
        if name in EVENED:
            yield name, evened(cells), even, points


def forms(images: Array, axes: tuple[int, int]) -> Iterator[tuple[str, Array]]:
    """Images in every form that is tried: as they are (but for brightness), mirrored, upside down, turned, moved."""
    down, right = (axis % images.ndim for axis in axes)
    yield "brighter or of more contrast", images
    yield "mirrored", np.flip(images, right)
    yield "upside down", np.flip(images, down)
    if images.shape[down] == images.shape[right]:
        for turns in (1, 2, 3):
            yield "turned", np.rot90(images, turns, (down, right))
    for move in MOVES:
        yield "moved", moved(images, move, (down, right))


def moved(images: Array, by: tuple[int, int], axes: tuple[int, int]) -> Array:
    """Images moved by some pixels; what comes in at the edge is the darkest value."""
    found = np.roll(images, by, axes)
    for step, axis in zip(by, axes, strict=True):
        edge: list[slice] = [slice(None)] * images.ndim
        edge[axis] = slice(0, step) if step > 0 else slice(step, None)
        if step:
            found[tuple(edge)] = images.min()
    return found


def evened(features: Array) -> Array:
    """Each row with mean 0 and deviation 1, so that brightness and contrast are gone."""
    spread = np.maximum(features.std(1, keepdims=True), 1e-6 * max(float(features.std()), 1e-30))
    return np.asarray((features - features.mean(1, keepdims=True)) / spread)


def parts(
    space: twins.Space, whole: Array, points: Array, fine: Array, axes: tuple[int, int]
) -> Iterator[tuple[str, Array, Array, Array]]:
    """Images held against parts of others, as if each were one made larger, and parts of them against whole others."""
    upright, plain = np.moveaxis(whole, axes, (-2, -1)), space.points(twins.coarse(whole))
    size = [len(range(0, side, ceil(side / twins.CELLS))) for side in upright.shape[-2:]]
    for share, *corner in WINDOWS:
        yield PART, space.points(flat(averaged(upright, share, corner, size))), points, points
        yield PART, plain, space.points(flat(averaged(fine, share, corner, size))), points


def finely(images: Callable[[Array], Array], rows: Array, axes: tuple[int, int]) -> Array:
    """Rows as means over at most FINE × FINE cells `(n, …, height, width)`, read a few at a time."""
    found = []
    for first in range(0, len(rows), twins.BLOCK):
        upright = np.moveaxis(images(rows[first : first + twins.BLOCK]), axes, (-2, -1)).astype(np.float32)
        found.append(averaged(upright, 1.0, (0, 0), [min(FINE, side) for side in upright.shape[-2:]]))
    return np.concatenate(found)


def flat(images: Array) -> Array:
    """Each sample as one row."""
    return np.ascontiguousarray(images.reshape(len(images), -1), np.float32)


def averaged(images: Array, share: float, corner: Sequence[float], size: Sequence[int]) -> Array:
    """Means over equal cells, `size` each way, of a window that begins at `corner` and is a `share` of each side."""
    down, right = (
        weights(images.shape[axis], share, begin, cells)
        for axis, begin, cells in zip((-2, -1), corner, size, strict=True)
    )
    return np.asarray(down @ images @ right.T)


def weights(size: int, share: float, begin: float, cells: int) -> Array:
    """How much each of `size` pixels is of each cell `(cells, size)`, by the part of it that lies within."""
    edges = (begin + share * np.arange(cells + 1) / cells) * size
    pixels = np.arange(size)
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.maximum(inside, 0) * cells / (share * size), np.float32)


def sixth(asked: Array, points: Array) -> Array:
    """The distance of each asked point's K-th neighbour."""
    squares, found = (points**2).sum(1), []
    for first in range(0, len(asked), twins.BLOCK):
        apart = twins.squared(asked[first : first + twins.BLOCK], points, squares)
        found.append(np.sqrt(np.partition(apart, twins.K, axis=1)[:, twins.K]))
    return np.concatenate(found)


def closest(asked: Array, points: Array) -> tuple[Array, Array]:
    """The place of each asked point's nearest one, and whether that is a twin: much nearer than the K-th."""
    squares, nearest, close = (points**2).sum(1), [], []
    for first in range(0, len(asked), twins.BLOCK):
        apart = twins.squared(asked[first : first + twins.BLOCK], points, squares)
        order = np.argpartition(apart, twins.K, axis=1)[:, : twins.K]
        near = np.sqrt(np.take_along_axis(apart, order, axis=1))
        nearest.append(np.take_along_axis(order, near.argmin(1)[:, None], axis=1)[:, 0])
        close.append(near.min(1) < CLOSE * near.max(1))
    return np.concatenate(nearest), np.concatenate(close)
