"""The numerics ledger: no NaN goes on, and what clipping or a rate makes of the gradients is seen."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from watching import Small, watched

from receipts.training.sentinels.numerics import NumericsLedger


def ended(module: Small, folder: Path, **options: Any) -> str | None:
    def ids(batch: int) -> list[str]:
        return [f"row-{8 * batch + row}" for row in range(8)]

    return watched(module, lambda found: NumericsLedger(found, ids), folder, **options)[1]


class Breaks(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx) * (float("nan") if batch_idx == 3 else 1.0)


class Hides(Small):
    """Weights that break while the loss looks fine."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return (super().training_step(batch, batch_idx) * float("nan")).nan_to_num(0.0) + (
            self.head.bias * 0 / 0
        ).nansum()


class Clips(Small):
    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        self.clip_gradients(optimizer, 1e-3, "norm")


class Large(Small):
    """Targets far from one: gradients in the hundreds, clipped to one."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return 1000 * super().training_step(batch, batch_idx)


class Adam(Small):
    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def test_a_loss_that_is_no_number_stops_at_its_step_and_names_the_samples(tmp_path: Path) -> None:
    assert ended(Breaks(), tmp_path) == "numbers-not-finite"
    facts = json.loads((tmp_path / "not-finite.rank0.json").read_text())
    assert (facts["epoch"], facts["batch"], facts["step"]) == (1, 3, 4)
    assert facts["ids"][0] == "row-24"
    assert "head.weight" in facts["weights"]


def test_weights_that_are_no_numbers_stop_at_the_epochs_end(tmp_path: Path) -> None:
    assert ended(Hides(), tmp_path) == "numbers-not-finite"


@pytest.mark.parametrize("options", [{"gradient_clip_val": 1e-3}, {}])
def test_clipping_to_nothing_is_seen_wherever_it_is_done(options: dict[str, Any], tmp_path: Path) -> None:
    module = Small() if options else Clips()
    assert ended(module, tmp_path, **options) == "clipped-to-nothing"


def test_a_rate_that_throws_the_weights_about_is_seen(tmp_path: Path) -> None:
    assert ended(Adam(lr=10.0), tmp_path) == "rate-too-high"


def test_ordinary_numbers_are_left_alone(tmp_path: Path) -> None:
    assert ended(Small(), tmp_path) is None
    assert ended(Small(), tmp_path, gradient_clip_val=0.5) is None
    assert ended(Large(), tmp_path, gradient_clip_val=1.0) is None
    assert ended(Adam(lr=0.1), tmp_path) is None
    assert ended(Adam(lr=1e-7), tmp_path) is None
    assert ended(Small(), tmp_path, precision="bf16-mixed", accumulate_grad_batches=2) is None


class Negative(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx) - 100


def test_a_negative_loss_is_a_number(tmp_path: Path) -> None:
    assert ended(Negative(), tmp_path) is None
