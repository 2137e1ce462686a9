"""The one batch that a rehearsal learns again and again, and what it stands for."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from receipts.config.schema import Config
from receipts.data import loaders
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.data.shares import Share


class SameBatch:
    """A loader of as many batches as the real one, all of them the first."""

    def __init__(self, batch: Any, length: int) -> None:
        self.batch, self.length = batch, length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Any:
        return (copy.deepcopy(self.batch) for _ in range(self.length))


def first_batch(config: Config, device: torch.device, train: Subset, val: Subset) -> tuple[Any, Any, Any, int]:
    """The first batch as it trains, its inputs without augmentation, its raw targets, how many make an epoch.

    A DataModule's comes from val: its train rows may draw from generators of their own, which would be moved on.
    """
    if isinstance(train.inputs, OwnLoader):
        batch = next(iter(loaders.watching(val, config, device)))
        length = len(loaders.training(train, config, device, Share()))
        return batch, batch[0], val.targets[: len(batch[1])], length
    reading = replace(config, trainer=replace(config.trainer, workers=0))
    augmented = loaders.training(train, reading, device, Share())
    plain = loaders.training(train, replace(reading, augment=[]), device, Share())
    batch = next(iter(augmented))
    x, _ = next(iter(plain))
    return batch, x, train.targets[plain.rows(0)], len(augmented)  # type: ignore[union-attr]


def counts(train: Subset, classes: int | None) -> list[int]:
    """How often each class occurs in train; nothing where there are no classes."""
    if not classes:
        return []
    return [int(count) for count in np.bincount(np.asarray(train.targets, dtype=np.int64), minlength=classes)]


def cut(x: Any, n: int) -> Any:
    """The first n rows of a batch, however it is nested."""
    if isinstance(x, dict):
        return {key: cut(value, n) for key, value in x.items()}
    return type(x)(cut(value, n) for value in x) if isinstance(x, tuple | list) else x[:n]
