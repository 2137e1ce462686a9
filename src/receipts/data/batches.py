"""In-memory batches, sliced from tensors that already lie on the device.

Order and randomness are functions of (seed, epoch, position), so nothing about them needs to be stored and
validation cannot disturb them. A loader's state is its epoch and its position, and is applied only to that epoch.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
import torch
from torch import Tensor

from receipts.data.sealed import Array, Inputs, Subset, floats
from receipts.provenance.determinism import derive
from receipts.refusal import Refusal

X = Tensor | dict[str, Tensor]
Augment = Callable[[X, Tensor, torch.Generator], tuple[X, Tensor]]


def tensors(inputs: Inputs, device: torch.device) -> X:
    """Inputs as tensors on a device."""
    ready = floats(inputs)
    if isinstance(ready, dict):
        return {key: tensor(part, device) for key, part in ready.items()}
    return tensor(ready, device)


def targets(subset: Subset, classification: bool, device: torch.device) -> Tensor:
    """Targets as a loss wants them: int64 `(n,)` for classes, float32 `(n, *target)` otherwise."""
    return tensor(np.asarray(subset.targets, dtype=np.int64 if classification else np.float32), device)


def tensor(part: Array, device: torch.device) -> Tensor:
    """An array as a tensor, which shares its memory where it can; batches are copies, so nobody writes into it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.as_tensor(np.ascontiguousarray(part), device=device)


def select(x: X, rows: Tensor) -> X:
    """Rows of a tensor or of every tensor of a dictionary, copied."""
    return {key: part[rows] for key, part in x.items()} if isinstance(x, dict) else x[rows]


class TrainBatches:
    """Shuffled batches `(x, y)` of one process, reproducible from the seed alone; also its own sampler.

    The last batch of an epoch may be smaller; none is dropped.
    """

    def __init__(self, x: X, y: Tensor, batch_size: int, seed: int, augment: Sequence[Augment] = ()) -> None:
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.epoch, self.position, self.resume = 0, 0, (-1, 0)

    @property
    def sampler(self) -> "TrainBatches":
        """Lightning tells a loader's sampler which epoch it is."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration belongs to."""
        self.epoch = epoch

    def __len__(self) -> int:
        return ceil(len(self.y) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[X, Tensor]]:
        order = torch.randperm(
            len(self.y), generator=torch.Generator().manual_seed(derive("order", self.seed, self.epoch))
        )
        order = order.to(self.y.device)
        first = self.resume[1] if self.resume[0] == self.epoch else 0
        self.resume = (-1, 0)
        for step in range(first, len(self)):
            self.position = step + 1
            rows = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield self.augmented(select(self.x, rows), self.y[rows], step)

    def augmented(self, x: X, y: Tensor, step: int) -> tuple[X, Tensor]:
        """A batch after every augmentation, each with a generator that belongs to this step."""
        for augment in self.augment:
            generator = torch.Generator(y.device).manual_seed(derive("augment", self.seed, 0, self.epoch, step))
            x, y = augment(x, y, generator)
        return x, y

    def state_dict(self) -> dict[str, int]:
        """Epoch and position."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where a checkpoint was written."""
        self.resume = (state["epoch"], state["position"])


class OrderedBatches:
    """Batches of inputs in row order: `(x, y)` for validation, `x` alone for prediction."""

    def __init__(self, x: X, y: Tensor | None, n: int, batch_size: int) -> None:
        self.x, self.y, self.n, self.batch_size = x, y, n, batch_size

    def __len__(self) -> int:
        return ceil(self.n / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        device = (next(iter(self.x.values())) if isinstance(self.x, dict) else self.x).device
        order = torch.arange(self.n, device=device)
        for first in range(0, self.n, self.batch_size):
            rows = order[first : first + self.batch_size]
            yield select(self.x, rows) if self.y is None else (select(self.x, rows), self.y[rows])


def check_augment(steps: list[Any]) -> None:
    """Augmentations are callables `(x, y, generator) → (x, y)`."""
    for step in steps:
        if not callable(step):
            raise Refusal(
                f"{type(step).__name__} is no augmentation",
                "it cannot be called with (x, y, generator)",
                "give it __call__(self, x, y, generator)",
            )
