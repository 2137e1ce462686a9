"""Batches read by workers: what they draw belongs to (seed, epoch, step), whoever reads."""

import random
from typing import Any

import numpy as np
import pytest
import torch

from receipts.data.items import Items, collated
from receipts.data.shares import Share
from receipts.data.workers import Reader, WorkerTrainBatches
from receipts.provenance.determinism import aside, held
from receipts.refusal import Refusal


class Rows:
    """Samples that are their own row number."""

    def __getitem__(self, row: int) -> np.ndarray[Any, Any]:
        return np.full(3, row, np.float32)


class Draws:
    """An augmentation with a generator of its own inside what it holds, which every worker would otherwise copy."""

    def __init__(self) -> None:
        self.inner = {"noise": [np.random.default_rng(0), random.Random(0)]}

    def __call__(self, x: Any, y: Any, generator: Any) -> Any:
        one, two = self.inner["noise"]
        return torch.tensor([one.random(), two.random(), random.random(), np.random.random()]), y  # noqa: NPY002


def loader(workers: int, seed: int = 0) -> WorkerTrainBatches:
    return WorkerTrainBatches(Items(Rows(), np.arange(10, 50)), torch.arange(40), 8, seed, [Draws()], workers, Share())


def drawn(batches: WorkerTrainBatches, epoch: int) -> list[tuple[float, ...]]:
    batches.set_epoch(epoch)
    return [tuple(x.tolist()) for x, _ in batches]


def test_no_two_batches_draw_alike_and_workers_change_nothing() -> None:
    alone = loader(0)
    once = [drawn(alone, 0), drawn(alone, 1)]
    assert len({number for epoch in once for batch in epoch for number in batch}) == 2 * 5 * 4
    both = loader(2)
    assert [drawn(both, 0), drawn(both, 1)] == once
    assert [drawn(both, 1), drawn(both, 0)] == once[::-1]
    assert drawn(loader(0, seed=1), 0) != once[0]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_after_the_batches_that_were_used(workers: int) -> None:
    whole, begun, resumed = loader(workers), loader(workers), loader(workers)
    for batches in (whole, begun, resumed):
        batches.set_epoch(3)
    labels = [y.tolist() for _, y in whole]
    for _, (_, y) in zip(range(2), begun, strict=False):
        assert y.tolist() in labels[:2]
    resumed.load_state_dict(begun.state_dict())
    assert begun.state_dict() == {"epoch": 3, "position": 2}
    assert [y.tolist() for _, y in resumed] == labels[2:]


def test_reading_leaves_the_global_generators_alone() -> None:
    def state() -> tuple[Any, ...]:
        return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002

    reader = Reader(Items(Rows(), np.arange(8)), torch.arange(8), 0, [Draws()])
    with aside(5):
        plain = state()
    with aside(5):
        _ = reader[0, 0, torch.arange(4)]
        assert state() == plain


def test_rows_keep_their_order_and_labels() -> None:
    items = Items(Rows(), np.array([5, 3, 9]))
    assert items.read([2, 0]).tolist() == [[9.0] * 3, [5.0] * 3]
    assert items.all().shape == (3, 3)
    assert len(held(Draws(), [torch.Generator()], "text", np.arange(3))) == 3


def test_what_cannot_be_a_batch_is_refused() -> None:
    with pytest.raises(Refusal, match="samples have shapes"):
        collated(Rows(), [np.zeros(2), np.zeros(3)])
    named = collated(Rows(), [{"a": 1, "b": [1, 2]}, {"a": 3, "b": [4, 5]}])
    assert {key: part.shape for key, part in named.items()} == {"a": (2,), "b": (2, 2)}
    pair = type("Pair", (Rows,), {"collate": lambda self, samples: (samples, samples)})()
    with pytest.raises(Refusal, match="collate returned a tuple"):
        collated(pair, [np.zeros(2)])
