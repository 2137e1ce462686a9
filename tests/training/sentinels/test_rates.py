"""The rate ledger: a schedule that steps in another unit than it was written for is told before the first step."""

from pathlib import Path
from typing import Any

import pytest
from torch.optim import lr_scheduler as schedules
from watching import Small, watched

from receipts.training.sentinels.rates import RateLedger

EPOCHS, STEPS = 6, 8  # of each epoch


class Scheduled(Small):
    def __init__(self, make: Any, interval: str) -> None:
        super().__init__()
        self.make, self.interval = make, interval

    def configure_optimizers(self) -> Any:
        optimizer = super().configure_optimizers()
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": self.make(optimizer, self), "interval": self.interval},
        }


def ended(make: Any, interval: str, folder: Path, partial: bool = False, limited: bool = False) -> str | None:
    module = Scheduled(make, interval)
    return watched(module, lambda found: RateLedger(found, partial), folder, max_epochs=EPOCHS, limited=limited)[1]


def one_cycle(optimizer: Any, module: Small) -> Any:
    return schedules.OneCycleLR(optimizer, 0.1, total_steps=int(module.trainer.estimated_stepping_batches))


@pytest.mark.parametrize(
    ("make", "interval"),
    [
        (one_cycle, "epoch"),
        (lambda o, _: schedules.LinearLR(o, 0.01, total_iters=1000), "step"),
        (lambda o, _: schedules.LambdaLR(o, lambda step: min(1.0, step / 500)), "step"),
        (lambda o, _: schedules.ExponentialLR(o, 0.2), "step"),
        (lambda o, _: schedules.StepLR(o, 2, 0.3), "step"),
        (lambda o, _: schedules.CosineAnnealingLR(o, EPOCHS), "step"),
    ],
)
def test_a_schedule_in_the_wrong_unit_is_told(make: Any, interval: str, tmp_path: Path) -> None:
    assert ended(make, interval, tmp_path) == "schedule-out-of-step"


def test_what_was_meant_is_left_alone(tmp_path: Path) -> None:
    assert ended(one_cycle, "epoch", tmp_path, partial=True) is None
    assert ended(one_cycle, "epoch", tmp_path, limited=True) is None


@pytest.mark.parametrize(
    ("make", "interval"),
    [
        (one_cycle, "step"),
        (lambda o, _: schedules.OneCycleLR(o, 0.1, total_steps=EPOCHS), "epoch"),
        (lambda o, _: schedules.CosineAnnealingLR(o, EPOCHS), "epoch"),
        (lambda o, _: schedules.CosineAnnealingWarmRestarts(o, 2), "epoch"),
        (lambda o, _: schedules.StepLR(o, 2, 0.1), "epoch"),
        (lambda o, _: schedules.MultiStepLR(o, [30, 60]), "epoch"),
        (lambda o, _: schedules.ExponentialLR(o, 0.9), "epoch"),
        (lambda o, _: schedules.ExponentialLR(o, 0.65), "step"),
        (lambda o, _: schedules.LambdaLR(o, lambda epoch: min(1.0, epoch / 2)), "epoch"),
        (
            lambda o, _: schedules.SequentialLR(
                o, [schedules.LinearLR(o, 0.1, total_iters=8), schedules.CosineAnnealingLR(o, 40)], [8]
            ),
            "step",
        ),
    ],
)
def test_a_schedule_that_runs_its_course_is_left_alone_and_not_moved(make: Any, interval: str, tmp_path: Path) -> None:
    module, other = Scheduled(make, interval), Scheduled(make, interval)
    assert watched(module, lambda found: RateLedger(found, False), tmp_path, max_epochs=EPOCHS)[1] is None
    watched(other, lambda found: RateLedger(found, True), tmp_path, max_epochs=EPOCHS)
    assert module.trainer.optimizers[0].param_groups[0]["lr"] == other.trainer.optimizers[0].param_groups[0]["lr"]


def test_a_rate_of_zero_is_told_and_one_that_comes_later_is_not(tmp_path: Path) -> None:
    assert watched(Small(lr=0.0), lambda found: RateLedger(found, False), tmp_path)[1] == "rate-zero"
    nothing = lambda o, _: schedules.LambdaLR(o, lambda epoch: 0.0)  # noqa: E731
    assert ended(nothing, "epoch", tmp_path) == "rate-zero"
    late = lambda o, _: schedules.LambdaLR(o, lambda epoch: float(epoch > 0))  # noqa: E731
    assert ended(late, "epoch", tmp_path) is None
