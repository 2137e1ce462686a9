"""The sample ledger: every train row is learnt from, and batches are mixtures."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler
from watching import BATCH, N, Small, rows, watched

from receipts.training.sentinels.samples import SampleLedger


def ended(loader: Any, folder: Path, own: bool = True, **options: Any) -> tuple[dict[str, str], str | None]:
    return watched(
        Small(),
        lambda found: SampleLedger(found, N, loader if own else None, classes=True),
        folder,
        train=loader,
        **options,
    )


def shuffled() -> DataLoader[Any]:
    return DataLoader(TensorDataset(*rows()), BATCH, shuffle=True)


def sorted_rows() -> TensorDataset:
    x, y = rows()
    order = y.argsort()
    return TensorDataset(x[order], y[order])


@pytest.mark.parametrize("own", [True, False])
def test_rows_that_are_never_learnt_from_are_missed(own: bool, tmp_path: Path) -> None:
    assert ended(shuffled(), tmp_path, own, limit_train_batches=0.5)[1] == "samples-missing"


def test_sorted_batches_are_told(tmp_path: Path) -> None:
    assert ended(DataLoader(sorted_rows(), BATCH), tmp_path)[1] == "sorted-batches"


def test_ordinary_loaders_are_left_alone(tmp_path: Path) -> None:
    both = {"samples-missing": "pass", "sorted-batches": "pass"}
    assert ended(shuffled(), tmp_path) == (both, None)
    assert ended(DataLoader(TensorDataset(*rows()), BATCH), tmp_path) == (both, None)
    assert ended(DataLoader(TensorDataset(*rows()), 7, shuffle=True, drop_last=True), tmp_path) == (both, None)
    weighted = WeightedRandomSampler(torch.ones(N), 32)
    found, stopped = ended(DataLoader(sorted_rows(), BATCH, sampler=weighted), tmp_path)
    assert stopped is None
    assert set(found.values()) == {"not run"}
