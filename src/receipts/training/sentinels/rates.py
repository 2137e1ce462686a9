"""The rate ledger: the schedule as it will run in the steps that are planned, and the learning rates that came of it.

A schedule is run through on a copy before the first step. One that has not left its warm-up when training ends, that
is down to nothing for most of it, or that goes round and round, steps in another unit than it was written for.
"""

import copy
import itertools
import warnings
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from receipts.training.sentinels.findings import Findings

LONGEST = 20_000  # calls that are run through; a longer course is taken as far
RISEN, DOWN, MOST, ROUNDS = 0.5, 1e-4, 0.65, 3  # patience ends most trainings long before the planned last epoch


class RateLedger(Callback):
    """`partial` declares that a schedule is meant to be cut short."""

    lasting = ("largest",)

    def __init__(self, findings: Findings, partial: bool) -> None:
        self.findings, self.partial = findings, partial
        self.largest = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Run through every schedule that Lightning steps, from its beginning; that of a run that goes on was."""
        if "schedule-out-of-step" in self.findings.closed:
            return
        if self.partial or self.findings.limited or not pl_module.automatic_optimization:
            reason = "facts.partial_schedule is declared" if self.partial else "the run is limited"
            by_hand = "the module steps its schedules itself"
            beside = self.partial or self.findings.limited
            self.findings.is_beside("schedule-out-of-step", reason if beside else by_hand)
            return
        told = []
        for entry in trainer.lr_scheduler_configs:
            scheduler = entry.scheduler
            if not isinstance(scheduler, LRScheduler) or entry.reduce_on_plateau:
                continue
            calls = planned(trainer, entry.interval, entry.frequency)
            name = type(scheduler).__name__
            if problem := judged(scheduler, course(scheduler, pl_module, calls), calls):
                unit = f"it steps {calls} times, once each {entry.interval}"
                self.findings.fails("schedule-out-of-step", f"{name} {problem}; {unit}")
            told.append(f"{name} steps {calls} times")
        if told:
            self.findings.passes("schedule-out-of-step", ", ".join(told))
        else:
            self.findings.is_beside("schedule-out-of-step", "no schedule with a course of its own")

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """The rates of this step."""
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                self.largest = max(self.largest, float(group.get("lr", 1.0)))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A rate that has been nothing all along; a schedule by the epoch has until the third one."""
        final = trainer.current_epoch + 1 == trainer.max_epochs
        patience = 2 if trainer.lr_scheduler_configs else 0
        if not trainer.optimizers or (self.largest == 0 and trainer.current_epoch < patience and not final):
            return
        if self.largest == 0:
            self.findings.fails("rate-zero", f"it was 0 in all of the first {trainer.current_epoch + 1} epochs")
        self.findings.passes("rate-zero", f"up to {self.largest:.2e}")


def planned(trainer: Trainer, interval: str, frequency: int) -> int:
    """How often a schedule will be stepped."""
    whole = trainer.max_epochs if interval == "epoch" else trainer.estimated_stepping_batches
    return int(whole or 0) // max(frequency, 1)


def course(scheduler: LRScheduler, module: LightningModule, calls: int) -> list[list[float]]:
    """The rates of every group before each planned call, on a copy of the schedule with an optimizer of its own."""
    own: Optimizer = scheduler.optimizer
    stand_in = torch.optim.SGD([{"params": [torch.zeros(1)]} for _ in own.param_groups], lr=0.0)
    for group, given in zip(stand_in.param_groups, own.param_groups, strict=True):
        group.update({key: copy.copy(value) for key, value in given.items() if key != "params"})
    twin = copy.deepcopy(scheduler, {id(own): stand_in, id(module): module})
    rates = [[float(group["lr"]) for group in stand_in.param_groups]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*optimizer.step")  # the stand-in never steps
        for _ in range(min(calls, LONGEST) - 1):
            twin.step()
            rates.append([float(group["lr"]) for group in stand_in.param_groups])
    return rates


def judged(scheduler: LRScheduler, rates: list[list[float]], calls: int) -> str | None:
    """What is wrong with a course; None where nothing is."""
    if len(rates) < 2:
        return None
    for position, group in enumerate(scheduler.optimizer.param_groups):
        one = [row[position] for row in rates]
        meant = float(group.get("max_lr", group.get("initial_lr", 0.0)))
        rises = all(after >= before for before, after in itertools.pairwise(one)) and one[-1] > one[0]
        if meant > 0 and rises and max(one) < RISEN * meant and calls <= LONGEST:
            return f"never gets past its warm-up: {max(one):.1e} of {meant:.1e} is reached"
        down = sum(rate < DOWN * max(one) for rate in one) / len(one)
        if down > MOST:
            return f"is down to a ten-thousandth of its peak for {down:.0%} of the training"
    if isinstance(scheduler, CosineAnnealingLR) and calls > ROUNDS * scheduler.T_max:
        return f"goes up and down again every {scheduler.T_max} calls"
    return None
