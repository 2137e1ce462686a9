"""Batches that a DataModule made, as Lightning is given them."""

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np

from receipts.data.ownloader import OwnLoader, batches
from receipts.data.sealed import Subset
from receipts.provenance.determinism import derive, seed_globals
from receipts.refusal import Refusal


class OwnTrainBatches:
    """A train loader as it is; what it draws from the global generators belongs to (seed, epoch)."""

    def __init__(self, loader: OwnLoader, seed: int) -> None:
        self.loader, self.seed, self.epoch = loader, seed, 0

    @property
    def sampler(self) -> "OwnTrainBatches":
        """Lightning tells a loader's sampler which epoch it is."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration belongs to, passed on to a sampler that wants to know."""
        self.epoch = epoch
        if hasattr(self.loader.source.sampler, "set_epoch"):
            self.loader.source.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        whole, size = len(self.loader.source), self.loader.source.batch_size
        return whole if self.loader.limit is None or not size else min(whole, ceil(self.loader.limit / size))

    def __iter__(self) -> Iterator[Any]:
        seed_globals(derive("order", self.seed, self.epoch))
        yield from batches(self.loader.source, self.loader.limit, "train_dataloader")


class OwnOrderedBatches:
    """Held-back batches, with or without y; their labels must be those that were read when the split was opened."""

    def __init__(self, subset: Subset, loader: OwnLoader, with_targets: bool) -> None:
        self.subset, self.loader, self.with_targets = subset, loader, with_targets

    def __len__(self) -> int:
        whole, size = len(self.loader.source), self.loader.source.batch_size
        return whole if not size else min(whole, ceil(len(self.subset) / size))

    def __iter__(self) -> Iterator[Any]:
        done = 0
        for batch in batches(self.loader.source, len(self.subset), f"{self.subset.name}_dataloader"):
            labels = np.asarray(batch[1])
            if not np.array_equal(labels, self.subset.targets[done : done + len(labels)]):
                raise Refusal(
                    f"the {self.subset.name} loader gave other labels than before",
                    f"from row {done} on: its order or content changes from one pass to the next",
                    "shuffle=False for val and test, and nothing that draws",
                )
            done += len(labels)
            yield batch if self.with_targets else batch[0]
