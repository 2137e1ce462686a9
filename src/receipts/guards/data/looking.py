"""A few rows of the opened splits as plain numbers, which the checks of inputs and labels share."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from receipts.config.schema import Task
from receipts.data import twins
from receipts.data.items import Items
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset, as_float

Array = np.ndarray[Any, Any]

REFERENCE, ASKED = 5000, 1000  # rows of train that others are held against, and rows of each split that are
DEARER = 5  # how many times fewer where every sample is read by itself


@dataclass(frozen=True)
class Rows:
    """Some rows of a split: their place in it, inputs as the method gets them `(n, …)`, labels `(n, …)`.

    `hashes` of the inputs `(n,)` only where no manifest has them.
    """

    at: Array
    inputs: Array
    labels: Array
    hashes: Array | None = None


@dataclass(frozen=True)
class Looked:
    """Some rows of train and of val; `is_table` where a sample is a row of columns."""

    train: Rows
    val: Rows
    ids: dict[str, list[str]]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether a sample is a grid."""
        return twins.is_image(self.shape)

    @property
    def is_table(self) -> bool:
        """Whether a sample is a row of columns."""
        return len(self.shape) == 1


def look(train: Subset, val: Subset) -> Looked | None:
    """Rows spread over train and val; None where inputs are not one array of numbers."""
    found = [rows(subset, most) for subset, most in ((train, REFERENCE), (val, ASKED))]
    if found[0] is None or found[1] is None or found[0].inputs.shape[1:] != found[1].inputs.shape[1:]:
        return None
    return Looked(found[0], found[1], {"train": train.ids, "val": val.ids})


def rows(subset: Subset, most: int) -> Rows | None:
    """Rows spread over a split."""
    inputs = subset.inputs
    if isinstance(inputs, OwnLoader):
        seen = inputs.peek(most)
        return None if seen is None or not is_numeric(seen.x) else Rows(seen.at, as_float(seen.x), seen.y, seen.hashes)
    if isinstance(inputs, Items):
        most //= DEARER
    at = np.unique(np.linspace(0, len(subset) - 1, min(len(subset), most)).astype(int))
    if isinstance(inputs, Items):
        found = inputs.read(at)
    elif isinstance(inputs, np.ndarray):
        found = inputs[at]
    else:
        return None
    return Rows(at, as_float(found), np.asarray(subset.targets)[at]) if is_numeric(found) else None


def is_numeric(found: Any) -> bool:
    """Whether inputs are one array of numbers."""
    return isinstance(found, np.ndarray) and found.dtype.kind in "biuf"


def points(looked: Looked) -> tuple[Array, Array]:
    """Train and val rows as points: columns of a table in units of their spread, images as means of cells."""
    both = np.concatenate([twins.coarse(looked.train.inputs), twins.coarse(looked.val.inputs)])
    n = len(looked.train.at)
    space = twins.Space(both, np.arange(n), looked.shape)
    return space.rows(np.arange(n)), space.rows(np.arange(n, len(both)))


def has_classes(task: Task) -> bool:
    """Whether labels are classes."""
    return task.kind in ("classification", "ordinal")
