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
from receipts.data.shares import Share
from receipts.provenance.determinism import derive, held, reseed, seed_globals
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
    if isinstance(x, dict):
        return {key: part.index_select(0, rows) for key, part in x.items()}
    return x.index_select(0, rows)  # copies whole rows, in half the time of x[rows]


def augmented(steps: Sequence[Augment], x: X, y: Tensor, place: tuple[int, int, int, int]) -> tuple[X, Tensor]:
    """A batch after every augmentation, each with a generator that belongs to (seed, rank, epoch, step)."""
    for augment in steps:
        generator = torch.Generator(y.device).manual_seed(derive("augment", *place))
        x, y = augment(x, y, generator)
    return x, y


class TrainBatches:
    """One process's share of shuffled global batches `(x, y)`, reproducible from the seed alone; also its own sampler.

    The last batch of an epoch may be smaller; none is dropped.
    """

    def __init__(
        self, x: X, y: Tensor, batch_size: int, seed: int, augment: Sequence[Augment] = (), share: Share | None = None
    ) -> None:
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.share, self.generators = share or Share(), held(list(augment))
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
        for step, rows in self.steps():
            self.position = step + 1
            place = (self.seed, self.share.rank, self.epoch, step)
            if self.augment:  # or what it draws elsewhere than from its generator would depend on where a run goes on
                seed_globals(seed := derive("read", *place))
                reseed(self.generators, seed)
            yield augmented(self.augment, select(self.x, rows), self.y.index_select(0, rows), place)

    def steps(self) -> list[tuple[int, Tensor]]:
        """What is left of this epoch: number and this process's rows of each global batch."""
        first = self.resume[1] if self.resume[0] == self.epoch else 0
        self.resume = (-1, 0)
        return [(step, self.share.of_step(rows)) for step, rows in enumerate(self.whole())][first:]

    def whole(self) -> Sequence[Tensor]:
        """The rows of every global batch of this epoch."""
        order = torch.randperm(
            len(self.y), generator=torch.Generator().manual_seed(derive("order", self.seed, self.epoch))
        )
        return torch.split(order.to(self.y.device), self.batch_size)

    def rows(self, step: int) -> list[int]:
        """This process's rows of one batch of this epoch, as positions in its split."""
        return [int(row) for row in self.share.of_step(self.whole()[step])]

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
            yield select(self.x, rows) if self.y is None else (select(self.x, rows), self.y.index_select(0, rows))


def check_augment(steps: list[Any]) -> None:
    """Augmentations are callables `(x, y, generator) → (x, y)`."""
    for step in steps:
        if not callable(step):
            raise Refusal(
                f"{type(step).__name__} is no augmentation",
                "it cannot be called with (x, y, generator)",
                "give it __call__(self, x, y, generator)",
            )
