"""Whether schedules are stepped as often as it is said of them: not twice, and not never.

Lightning steps what `configure_optimizers` hands over. A module that steps the same schedule itself halves its course;
one that builds a schedule and hands over the optimizer alone trains at the first rate for good.
"""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from receipts.training.sentinels.findings import Findings

FEWEST = 4  # calls that can be told from twice as many
TOO_OFTEN = 1.8  # of what was planned


class ScheduleLedger(Callback):
    """Counts how far each schedule went, against how often Lightning was to step it."""

    lasting = ("first", "rates", "moved", "given", "epoch", "step")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.first: list[int] = []
        self.rates: list[float] = []
        self.moved = self.given = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Where each schedule stands."""
        self.first = [calls(entry.scheduler) for entry in trainer.lr_scheduler_configs]
        self.epoch, self.step = trainer.current_epoch, trainer.global_step
        self.rates = rates(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Whether any rate was ever changed, and a schedule ever there: averaging brings one, and only once."""
        self.given = self.given or bool(trainer.lr_scheduler_configs)
        self.moved = self.moved or rates(trainer) != self.rates

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Schedules by the epoch have been stepped for the one before."""
        self.judge(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the whole course, and schedules that nobody has ever stepped."""
        self.judge(trainer, pl_module)
        if not self.given and self.waits_in_vain(trainer, pl_module):
            self.findings.fails(
                "schedule-miscounted",
                f"a schedule was built for the optimizer and never stepped: the rate was {self.rates[0]:g} throughout",
            )
        if self.given:
            self.findings.passes("schedule-miscounted", f"{len(self.first)} schedules, none stepped twice as often")
        else:
            self.findings.is_beside("schedule-miscounted", "Lightning was handed no schedule")

    def waits_in_vain(self, trainer: Trainer, module: LightningModule) -> bool:
        """Whether an optimizer bears a schedule's mark and kept its first rate to the planned end."""
        marked = any("initial_lr" in group for optimizer in trainer.optimizers for group in optimizer.param_groups)
        whole = trainer.max_epochs is not None and trainer.current_epoch >= trainer.max_epochs > 1
        limited = self.findings.limited
        return marked and whole and not self.moved and not limited and rates(trainer) == self.rates

    def judge(self, trainer: Trainer, module: LightningModule) -> None:
        """Fail where a schedule ran ahead of what was planned."""
        if not module.automatic_optimization or is_overridden("lr_scheduler_step", module):
            return
        for first, entry in zip(self.first, trainer.lr_scheduler_configs, strict=False):
            if entry.reduce_on_plateau or isinstance(entry.scheduler, ReduceLROnPlateau) or first < 0:
                continue
            by_epoch = entry.interval == "epoch"
            units = trainer.current_epoch - self.epoch if by_epoch else trainer.global_step - self.step
            planned, made = units // max(entry.frequency, 1), calls(entry.scheduler) - first
            if made >= FEWEST and made > TOO_OFTEN * planned + 1:
                self.findings.fails(
                    "schedule-miscounted",
                    f"{type(entry.scheduler).__name__} was stepped {made} times in {units} {entry.interval}s, "
                    f"where {planned} were planned",
                )


def calls(scheduler: Any) -> int:
    """How often a schedule has been stepped; below zero where it does not tell."""
    return int(getattr(scheduler, "_step_count", -1)) if isinstance(scheduler, LRScheduler) else -1


def rates(trainer: Trainer) -> list[float]:
    """The rate of every group of every optimizer."""
    return [float(group.get("lr", 1.0)) for optimizer in trainer.optimizers for group in optimizer.param_groups]
