"""Images that are nearly equal only after one of them is turned, mirrored, moved a little or made brighter.

No two scenes are so by themselves: somebody multiplied images before dividing them. What counts is a row that lies
much nearer to another's changed form than to the neighbours of that form, and not near it as it is.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from receipts.data import twins

Array = np.ndarray[Any, Any]

CLOSE, FAR = 0.2, 0.5  # of the distance of the K-th neighbour: a twin after the change, and none before it
LOOKED = 600  # rows of a split that are looked up, since each is asked for in every form
EVENED = ("brighter or of more contrast", "mirrored")  # forms that brightness may have been changed in as well
MOVES = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1), (2, 0), (-2, 0), (0, 2), (0, -2)]


def search(space: twins.Space, images: Callable[[Array], Array], asked: Array, others: Array) -> tuple[int, int, str]:
    """How many of how many asked rows are such a copy of one of the others, and how the first was made.

    `images` gives rows as they are `(n, …)`; samples that are no images, or too few, have none.
    """
    if not space.has_mirror or len(others) <= 2 * twins.ORDERS:
        return 0, 0, ""
    rows = asked[np.unique(np.linspace(0, len(asked) - 1, min(len(asked), LOOKED)).astype(int))]
    whole, points = images(rows).astype(np.float32), space.rows(others)
    plain, hit = space.rows(rows), np.zeros(len(rows), dtype=bool)
    told, even = "", evened(space.found[others])
    for name, changed in forms(whole, twins.grid(whole.shape[1:]) or (-2, -1)):
        cells = twins.coarse(changed)
        found = is_copy(space.points(cells), plain, points)
        if name in EVENED:
            found |= is_copy(evened(cells), plain, points, even)
        told = told or (name if found.any() else "")
        hit |= found
    return int(hit.sum()), len(rows), told


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


def is_copy(asked: Array, plain: Array, points: Array, others: Array | None = None) -> Array:
    """Which asked rows, in a changed form, have a twin among others that is none of the row as it is.

    `plain` and `points` are asked rows and others as they are; `others` in their changed form, if they have one.
    """
    there = points if others is None else others
    squares, found = (there**2).sum(1), np.zeros(len(asked), dtype=bool)
    for first in range(0, len(asked), twins.BLOCK):
        block = slice(first, first + twins.BLOCK)
        apart = twins.squared(asked[block], there, squares)
        order = np.argpartition(apart, twins.K, axis=1)[:, : twins.K]
        near = np.sqrt(np.sort(np.take_along_axis(apart, order, axis=1), axis=1))
        nearest = np.take_along_axis(order, np.take_along_axis(apart, order, axis=1).argmin(1)[:, None], axis=1)[:, 0]
        before = np.sqrt(((plain[block] - points[nearest]) ** 2).sum(1))
        usual = np.sqrt(np.partition(twins.squared(plain[block], points, (points**2).sum(1)), twins.K, axis=1))
        found[block] = (near[:, 0] < CLOSE * near[:, -1]) & (before > FAR * usual[:, twins.K])
    return found
