"""How several processes share the rows: every one once, in as many steps for each process.

A training step is a global batch, whose rows go to the processes in turn, so their shares differ by one row at most.
Each process's mean loss is weighted by its share, which makes the mean over processes exactly that of the global batch.
What is predicted goes round in whole batches: the same rows stand together as in one process, and the same bits come
out. A process without a row of its own borrows one: at weight zero in training, dropped from the table in validation.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from receipts.data.items import Items
from receipts.data.sealed import Inputs, Subset

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Share:
    """One process of `world`."""

    rank: int = 0
    world: int = 1

    def of_step(self, rows: "Tensor") -> "Tensor":
        """This process's rows of a global batch; a borrowed one where it has none."""
        mine = rows[self.rank :: self.world]
        return mine if len(mine) else rows[:1]

    def count(self, n: int) -> int:
        """How many of n rows are this process's own."""
        return len(range(self.rank, n, self.world))

    def weight(self, n: int) -> float:
        """What the mean loss of this process's share of n rows counts in the mean over processes."""
        return self.count(n) * self.world / n

    def is_even(self, rows: int, batch: int) -> bool:
        """Whether every global batch of an epoch divides by the processes."""
        return rows % batch % self.world == 0

    def of_split(self, subset: Subset, batch: int) -> Subset:
        """This process's batches of a split, one after the other; a borrowed row where it has none."""
        if self.world == 1:
            return subset
        every = np.arange(len(subset))
        rows = every[every // batch % self.world == self.rank]
        return picked(subset, rows if len(rows) else every[:1])


def picked(subset: Subset, rows: np.ndarray[Any, Any]) -> Subset:
    """Some rows of a split in the order given, without the columns that only the whole is scored with."""
    return replace(
        subset,
        ids=[subset.ids[row] for row in rows],
        inputs=taken(subset.inputs, rows),
        targets=subset.targets[rows],
        entities=None,
        groups=None,
        slices={},
    )


def taken(inputs: Inputs | Items, rows: np.ndarray[Any, Any]) -> Inputs | Items:
    """Rows of an array, of every array of a dictionary, or of samples that are not read yet."""
    if isinstance(inputs, Items):
        return replace(inputs, rows=inputs.rows[rows])
    return {key: part[rows] for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[rows]
