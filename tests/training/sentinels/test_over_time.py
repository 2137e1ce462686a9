"""What only several steps or epochs show: work that is undone, thrown away, lost, repeated or counted twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, StepLR
from watching import Small, batches, watched

from receipts.training.sentinels.continuity import ContinuityLedger
from receipts.training.sentinels.draws import DrawLedger
from receipts.training.sentinels.rounding import RoundingLedger
from receipts.training.sentinels.schedules import ScheduleLedger
from receipts.training.sentinels.statistics import StatisticsLedger
from receipts.training.sentinels.steps import StepLedger


class Reseeds(Callback):
    """What the core does before every step."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(1000 + trainer.global_step)


class StartsOver(Small):
    def on_train_epoch_start(self) -> None:
        self.head.reset_parameters()


class LoadsAgain(Small):
    def on_train_start(self) -> None:
        self.kept = {name: torch.randn_like(tensor) for name, tensor in self.head.state_dict().items()}

    def on_train_epoch_end(self) -> None:
        self.head.load_state_dict(self.kept)


class StartsOverOnce(Small):
    def on_train_epoch_start(self) -> None:
        if self.current_epoch == 1:
            self.head.reset_parameters()


class KeepsItsNorm(Small):
    def on_train_epoch_start(self) -> None:
        with torch.no_grad():
            self.head.weight.mul_(0.5 / self.head.weight.norm())


def continued(module: LightningModule, folder: Path, *others: Callback) -> tuple[dict[str, str], str | None]:
    return watched(module, ContinuityLedger, folder, *others, max_epochs=4)


def test_weights_that_start_over_every_epoch(tmp_path: Path) -> None:
    for module in (StartsOver(), LoadsAgain()):
        assert continued(module, tmp_path)[1] == "learning-undone"
    for module in (Small(), StartsOverOnce(), KeepsItsNorm()):
        assert continued(module, tmp_path) == ({"learning-undone": "pass"}, None)
    assert continued(Small(), tmp_path, EMAWeightAveraging())[1] is None
    assert watched(Small(), ContinuityLedger, tmp_path, max_epochs=1)[0] == {"learning-undone": "not applicable"}


class Seeds(Small):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        torch.manual_seed(0)
        return super().training_step(batch, batch_idx)


class SeedsAndDrawsNothing(Seeds):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.ReLU())


def test_draws_that_are_the_same_in_every_step(tmp_path: Path) -> None:
    assert watched(Seeds(), DrawLedger, tmp_path, Reseeds())[1] == "same-draws"
    assert watched(Small(), DrawLedger, tmp_path, Reseeds()) == ({"same-draws": "pass"}, None)
    assert watched(SeedsAndDrawsNothing(), DrawLedger, tmp_path, Reseeds())[1] is None


class Forgets(Small):
    def __init__(self, momentum: float | None) -> None:
        super().__init__()
        self.body[1] = nn.BatchNorm1d(8, momentum=momentum)


class SleepingNorm(Forgets):
    def __init__(self, momentum: float | None) -> None:
        super().__init__(momentum)
        self.body[1].num_batches_tracked.fill_(7)  # as it comes with pretrained weights
        self.train()

    def train(self, mode: bool = True) -> Any:
        super().train(mode)
        self.body[1].eval()
        return self


@pytest.mark.parametrize(
    ("module", "verdict"),
    [
        (Forgets(0.0), "fail"),
        (Forgets(None), "pass"),
        (Forgets(1e-4), "pass"),
        (SleepingNorm(0.0), "not applicable"),
        (SeedsAndDrawsNothing(), "not applicable"),
    ],
)
def test_statistics_that_stay_as_they_were_born(module: Small, verdict: str, tmp_path: Path) -> None:
    assert watched(module, StatisticsLedger, tmp_path)[0] == {"statistics-never-move": verdict}


class ByHand(Small):
    """`uses` says of a batch whether its gradient is used, `empties` whether it is emptied before."""

    def __init__(self, uses: Callable[[int], bool], empties: Callable[[int], bool]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.uses, self.empties = uses, empties

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        optimizer = self.optimizers()
        if self.empties(batch_idx):
            optimizer.zero_grad()
        loss = functional.cross_entropy(self(batch[0]), batch[1])
        self.manual_backward(loss)
        if self.uses(batch_idx):
            optimizer.step()
        return loss


class EndsEpochs(Small):
    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        return -1 if self.current_epoch > 0 and batch_idx > 1 else None


class Skips(Small):
    """Returns no loss for batches of a kind, as to leave out what cannot be learnt from."""

    def __init__(self, skips: Callable[[int], bool]) -> None:
        super().__init__()
        self.skips = skips

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return None if self.skips(batch_idx) else super().training_step(batch, batch_idx)


def test_steps_that_are_left_out(tmp_path: Path) -> None:
    def said(module: LightningModule, **options: Any) -> str | None:
        return watched(module, StepLedger, tmp_path, train=batches(256), **options)[1]

    assert said(ByHand(lambda batch: batch % 3 == 0, lambda batch: True)) == "steps-skipped"
    assert said(ByHand(lambda batch: batch % 4 == 3, lambda batch: batch % 4 == 0)) is None, "accumulation"
    assert said(ByHand(lambda batch: batch % 3 > 0, lambda batch: True)) is None, "a few may overflow"
    assert said(EndsEpochs(), max_epochs=4) == "steps-skipped"
    assert said(Skips(lambda batch: batch % 3 > 0)) == "steps-skipped"
    assert said(Skips(lambda batch: batch % 3 == 1)) is None, "a few batches are left out"
    assert said(Small()) is None
    assert said(Small(), accumulate_grad_batches=4) is None
    assert said(Small(), max_steps=5, max_epochs=2) is None


def test_a_scaler_that_leaves_out_most_steps(tmp_path: Path) -> None:
    class Scales(Small):
        def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, closure: Any) -> None:
            self.trainer.precision_plugin.scaler = object()  # of mixed precision, whose own needs a GPU
            self.left_out = closure
            step, optimizer.optimizer.step = optimizer.optimizer.step, lambda closure: closure()
            optimizer.step(closure=closure) if batch_idx % self.every else None
            optimizer.optimizer.step = step
            if not batch_idx % self.every:
                optimizer.step(closure=closure)

    mostly, rarely = Scales(), Scales()
    mostly.every, rarely.every = 4, 1
    assert watched(mostly, StepLedger, tmp_path, train=batches(256))[1] == "steps-skipped"
    assert watched(rarely, StepLedger, tmp_path, train=batches(256))[1] is None


class Halved(Small):
    def __init__(self, dtype: torch.dtype, lr: float) -> None:
        super().__init__(lr)
        self.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(self.dtype))


def test_weights_of_16_bits_that_do_not_feel_their_updates(tmp_path: Path) -> None:
    def verdict(module: Small) -> str:
        return watched(module, RoundingLedger, tmp_path)[0]["updates-lost"]

    assert verdict(Halved(torch.bfloat16, 1e-4)) == "fail"
    assert verdict(Halved(torch.bfloat16, 0.5)) == "pass"
    assert verdict(Halved(torch.float64, 1e-9)) == "not applicable"
    assert verdict(Small(1e-9)) == "not applicable", "a tiny rate"


class Schedules(Small):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        self.schedule: LRScheduler = CosineAnnealingLR(optimizer, 100)
        if self.kind == "late":
            self.schedule = StepLR(optimizer, 2)
        if self.kind in ("forgotten", "by hand"):
            return optimizer
        return [optimizer], [{"scheduler": self.schedule, "interval": "epoch" if self.kind == "late" else "step"}]

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.kind in ("twice", "by hand"):
            self.schedule.step()

    def on_train_epoch_end(self) -> None:
        if self.kind == "taken away":  # as it is missing where a training with averaged weights goes on at its end
            self.trainer.lr_scheduler_configs.clear()


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        *(("twice", "fail"), ("forgotten", "fail"), ("once", "pass"), ("late", "pass")),
        *(("taken away", "pass"), ("by hand", "not applicable")),
    ],
)
def test_schedules_and_who_steps_them(kind: str, verdict: str, tmp_path: Path) -> None:
    assert watched(Schedules(kind), ScheduleLedger, tmp_path, max_epochs=4)[0] == {"schedule-miscounted": verdict}
    if kind == "forgotten":
        limited = watched(Schedules(kind), ScheduleLedger, tmp_path, max_epochs=4, limited=True)
        assert limited == ({"schedule-miscounted": "not applicable"}, None)
