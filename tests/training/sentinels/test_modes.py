"""The mode ledger: dropout and normalisation wake while training and sleep while evaluating."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.nn import functional
from watching import CLASSES, Small, watched

from receipts.training.sentinels.modes import ModeLedger


def ended(module: Small, folder: Path, *others: Any, frozen: tuple[str, ...] = (), random: bool = False) -> str | None:
    return watched(module, lambda found: ModeLedger(found, list(frozen), random), folder, *others)[1]


class Asleep(Small):
    def __init__(self) -> None:
        super().__init__()
        self.body.eval()


class WholeAsleep(Small):
    def __init__(self) -> None:
        super().__init__()
        self.eval()


class Awake(Small):
    def on_validation_model_eval(self) -> None:
        self.train()


class AlwaysDrops(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.dropout(self.body(x), 0.5))


class MovesStatistics(Small):
    def forward(self, x: Tensor) -> Tensor:
        norm = self.body[1]
        functional.batch_norm(self.body[0](x), norm.running_mean, norm.running_var, training=True)
        return super().forward(x)


@pytest.mark.parametrize(
    ("module", "check"),
    [
        (Asleep, "trains-in-eval-mode"),
        (WholeAsleep, "trains-in-eval-mode"),
        (Awake, "evaluates-in-training-mode"),
        (AlwaysDrops, "eval-is-random"),
        (MovesStatistics, "statistics-moved-in-eval"),
    ],
)
def test_a_wrong_mode_is_named(module: type[Small], check: str, tmp_path: Path) -> None:
    assert ended(module(), tmp_path) == check


class FrozenNorm(Small):
    """Normalisation put to sleep on purpose, as in detection."""

    def train(self, mode: bool = True) -> Any:
        super().train(mode)
        self.body[1].eval()
        return self


class FrozenAsleep(Asleep):
    def __init__(self) -> None:
        super().__init__()
        self.body.requires_grad_(False)


class MonteCarlo(Small):
    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        return torch.stack([self.head(functional.dropout(self.body(x), 0.5)).softmax(-1) for _ in range(3)]).mean(0)


class NoModes(Small):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Dropout(0.0))
        self.head = nn.Linear(8, CLASSES)
        self.eval()


def test_modes_that_are_meant_are_left_alone(tmp_path: Path) -> None:
    assert ended(Small(), tmp_path) is None
    assert ended(Small(), tmp_path, EMAWeightAveraging()) is None
    assert ended(FrozenNorm(), tmp_path) is None
    assert ended(FrozenAsleep(), tmp_path) is None
    assert ended(Asleep(), tmp_path, frozen=("body",)) is None
    assert ended(NoModes(), tmp_path) is None
    assert ended(MonteCarlo(), tmp_path) == "eval-is-random"
    assert ended(MonteCarlo(), tmp_path, random=True) is None
    assert ended(Awake(), tmp_path, random=True) == "evaluates-in-training-mode", "its norms are awake, too"
