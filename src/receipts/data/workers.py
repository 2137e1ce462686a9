"""Batches of samples that are read one at a time, by worker processes or by this one, to the same bits.

A batch is the unit of work: read, collated, transformed and augmented in one place, under seeds that belong to
(seed, rank, epoch, step). Who reads it can therefore not move a number, and two workers never draw alike.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from receipts.data.batches import Augment, OrderedBatches, TrainBatches, X, augmented, tensors
from receipts.data.items import Items
from receipts.data.shares import Share
from receipts.provenance.determinism import aside, derive, held, reseed

CPU = torch.device("cpu")
UNSHUFFLED = -1  # the epoch of batches in row order: they are the same each time
Key = tuple[int, int, Tensor]


class Reader(Dataset[tuple[X, Tensor]]):
    """Finished batches by (epoch, step, positions): a function of these, in whatever process it runs."""

    def __init__(self, items: Items, y: Tensor, seed: int, augment: Sequence[Augment] = (), rank: int = 0) -> None:
        self.items, self.y, self.seed, self.augment, self.rank = items, y, seed, augment, rank
        self.generators = held(items.dataset, items.steps, list(augment))

    def __getitem__(self, key: Key) -> tuple[X, Tensor]:
        epoch, step, positions = key
        seed = derive("read", self.seed, self.rank, epoch, step)
        with aside(seed):
            reseed(self.generators, seed)
            x = tensors(self.items.read(positions.tolist()), CPU)
            return augmented(self.augment, x, self.y[positions], (self.seed, self.rank, epoch, step))


class Workers:
    """Hands keys to a reader and its batches back in order; the processes stay from one epoch to the next."""

    def __init__(self, reader: Reader, count: int) -> None:
        self.reader, self.count = reader, count
        self.keys: list[Key] = []
        self._loader: DataLoader[Any] | None = None

    def read(self, keys: list[Key]) -> Iterator[tuple[X, Tensor]]:
        """The batches of these keys."""
        if not self.count:
            return map(self.reader.__getitem__, keys)
        self.keys = keys
        if self._loader is None:
            self._loader = DataLoader(
                self.reader,
                batch_size=None,
                sampler=self,
                num_workers=self.count,
                collate_fn=unchanged,
                persistent_workers=True,
                generator=torch.Generator(),  # or it would draw from the global one
            )
        return iter(self._loader)

    def __iter__(self) -> Iterator[Key]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)


def unchanged(batch: Any) -> Any:
    """A batch as the reader made it."""
    return batch


class WorkerTrainBatches(TrainBatches):
    """Shuffled batches in the order of `TrainBatches`, read by `workers` processes.

    Its position counts batches that were used, not those that were read ahead.
    """

    def __init__(
        self,
        items: Items,
        y: Tensor,
        batch_size: int,
        seed: int,
        augment: Sequence[Augment],
        workers: int,
        share: Share,
    ) -> None:
        super().__init__({}, y, batch_size, seed, augment, share)
        self.workers = Workers(Reader(items, y, seed, augment, share.rank), workers)

    def __iter__(self) -> Iterator[tuple[X, Tensor]]:
        steps = self.steps()
        batches = self.workers.read([(self.epoch, step, rows) for step, rows in steps])
        for (step, _), batch in zip(steps, batches, strict=True):
            self.position = step + 1
            yield batch


class WorkerOrderedBatches(OrderedBatches):
    """Batches in row order, read by `workers` processes: `(x, y)` for validation, `x` alone for prediction."""

    def __init__(self, items: Items, y: Tensor | None, batch_size: int, seed: int, workers: int) -> None:
        super().__init__({}, y, len(items), batch_size)
        labels = torch.zeros(len(items)) if y is None else y
        self.workers = Workers(Reader(items, labels, seed), workers)

    def __iter__(self) -> Iterator[Any]:
        rows = torch.split(torch.arange(self.n), self.batch_size)
        keys = [(UNSHUFFLED, step, each) for step, each in enumerate(rows)]
        for x, y in self.workers.read(keys):
            yield x if self.y is None else (x, y)
