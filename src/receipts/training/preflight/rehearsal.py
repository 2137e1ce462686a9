"""The rehearsal: a copy of the module trains on one batch for a moment, by its own steps and optimizers.

Only what cannot be meant fails: a batch that is predicted ever worse the longer it is learnt, losses given what they
do not want, samples that mix. The module itself, the data's order and every generator are left as they were.
"""

import contextlib
import copy
import inspect
import math
import statistics
import time
import warnings
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn.modules.batchnorm import _NormBase

from receipts.checks.catalogue import failed, not_applicable, not_run, passed
from receipts.config.schema import Config
from receipts.data.sealed import Subset
from receipts.evaluation.metrics import evaluate, scored_as
from receipts.evaluation.predictions import from_outputs
from receipts.provenance.determinism import aside
from receipts.runs.record import Check
from receipts.training import checkpoints
from receipts.training.holders import classes_aside
from receipts.training.preflight import hearing
from receipts.training.preflight.contracts import Contracts
from receipts.training.preflight.kept import Rehearsed
from receipts.training.preflight.mixing import SEEN, mixed
from receipts.training.preflight.onebatch import SameBatch, counts, cut, first_batch
from receipts.training.preflight.softmaxes import Softmaxes
from receipts.training.sentinels.influence import in_evaluation, predict
from receipts.training.trainer import make

STEPS, SECONDS = 64, 3.0
LOOKED = 3  # steps whose losses are looked at
BETTER, WORSE = 0.9, 1.1  # of the error at the start
LOSS_LIKE = {"classification": "nll", "ordinal": "mae", "regression": "rmse"}
MADE = (
    *("loss-wants-logits", "logits-cut-off", "loss-wants-log-probabilities", "loss-broadcasts", "softmax-over-batch"),
    "class-weights-inverted",
)
ALL = (*MADE, "samples-mixed", "cannot-learn-a-batch", "softmax-twice", *hearing.HEARD)
LITTLE = 16  # rows that are predicted to see whether they mix


@dataclass
class Seen:
    """What a rehearsal saw: errors on the batch by step, and seconds of each step."""

    errors: dict[int, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    loss: float = math.nan


class Enough(Exception):
    """Enough has been seen."""


def rehearse(module: LightningModule, config: Config, device: torch.device, train: Subset, val: Subset) -> Rehearsed:
    """Verdicts on a module before it trains; `not run` where a copy cannot be made or does not come that far."""
    with aside(0), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the training itself will say it
        try:
            with classes_aside(module):
                return Rehearsal(module, config, device, train, val).outcome()
        except Exception as error:  # noqa: BLE001 - whatever a module dies of here, its own training tells
            reason = (
                f"the rehearsal ended with {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            )
            return Rehearsed([not_run(name, reason) for name in ALL])


class Rehearsal(Callback):
    """One batch, learnt by a copy."""

    def __init__(
        self, module: LightningModule, config: Config, device: torch.device, train: Subset, val: Subset
    ) -> None:
        self.config, self.device = config, device
        self.module = copy.deepcopy(module)
        checkpoints.begin_from(config.fit.init_from, self.module)
        self.batch, self.plain, self.targets, self.length = first_batch(config, device, train, val)
        task = config.task
        self.metric = LOSS_LIKE[scored_as(task)]
        self.seen = Seen()
        self.contracts = Contracts(self.batch[1], task.classes, counts(train, task.classes))
        self.overhear(self.module)

    def overhear(self, module: LightningModule) -> None:
        """Have an eye on the losses of the module's first steps."""
        own = module.training_step
        takes_index = len(inspect.signature(own).parameters) > 1

        def training_step(module: LightningModule, batch: Any, index: int) -> Any:
            first = len(self.seen.seconds) < LOOKED
            self.contracts.y = batch[1]
            with self.contracts if first else contextlib.nullcontext():
                return own(batch, index) if takes_index else own(batch)

        module.training_step = MethodType(training_step, module)  # type: ignore[method-assign]

    def outcome(self) -> Rehearsed:
        """Rehearse, and say what came of it."""
        trainer = make(self.config, self.device, [self])
        with contextlib.suppress(Enough):
            trainer.fit(self.module, SameBatch(self.batch, self.length))
        epochs = [cap for cap in (self.config.fit.epochs, self.config.limit.epochs) if cap is not None]
        return Rehearsed(
            [*self.contract_checks(), self.mixing, self.learning(), self.twice, *self.hearing],
            statistics.median(self.seen.seconds[1:] or self.seen.seconds),
            self.length * min(epochs),
        )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See where it starts from; what waits for scores of val cannot have them here."""
        kept = [entry for entry in trainer.lr_scheduler_configs if not entry.reduce_on_plateau]
        trainer.strategy.lr_scheduler_configs = kept
        self.mixing = self.mixing_check(trainer)
        self.seen.errors[0] = self.error(trainer)
        self.began = self.last = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at powers of two; end when the batch is learnt, or the time is over."""
        now = time.monotonic()
        self.seen.seconds.append(now - self.last)
        done = len(self.seen.seconds)
        over = done >= STEPS or now - self.began > SECONDS
        if done == 1:
            loss = outputs["loss"] if isinstance(outputs, dict) else outputs
            self.seen.loss = float(loss) if loss is not None else math.nan
        if done & (done - 1) == 0 or over:
            self.seen.errors[done] = error = self.error(trainer)
            if over or not math.isfinite(error) or (done >= LOOKED and error < BETTER * self.seen.errors[0]):
                self.end(trainer)
        self.last = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The end of an epoch has nothing more to show."""
        if trainer.current_epoch + 1 == trainer.max_epochs:
            self.end(trainer)

    def end(self, trainer: Trainer) -> None:
        """Ask what would disturb the learning, then stop."""
        self.hearing = hearing.checks(trainer, self.module, self.batch, self.seen.errors, self.classes)
        self.twice = self.softmax_check(trainer)
        raise Enough

    def error(self, trainer: Trainer) -> float:
        """The harness's error on the batch, without dropout, norms by the batch's own statistics; NaN breaks off."""
        with in_evaluation(self.module):
            for part in self.module.modules():
                part.training = part.training or isinstance(part, _NormBase)
            outputs = predict(trainer, self.module, self.plain)
        values = outputs.values() if isinstance(outputs, dict) else [outputs]
        if not all(bool(torch.as_tensor(value).isfinite().all()) for value in values):
            return math.nan
        ids = [str(row) for row in range(len(self.targets))]
        table = from_outputs(outputs, ids, self.config.task, self.targets)
        found = evaluate(table, self.config.task, names=[self.metric], second=False)[self.metric].value
        return math.nan if found is None else found

    def contract_checks(self) -> list[Check]:
        """Every promise of a loss, kept or broken."""
        said = f"{min(len(self.seen.seconds), LOOKED)} training steps of a batch of {len(self.targets)}"
        broken = self.contracts.broken
        return [failed(name, broken[name]) if name in broken else passed(name, said) for name in MADE]

    def mixing_check(self, trainer: Trainer) -> Check:
        """Whether predictions for some rows depend on the others."""
        n = min(len(self.targets), LITTLE)
        if n < 2:
            return not_run("samples-mixed", "a batch has one sample")
        little = cut(self.plain, n)
        with in_evaluation(self.module):
            moved = mixed(lambda x: predict(trainer, self.module, x), little, n)
        if not math.isfinite(moved):
            return not_run("samples-mixed", "predictions are not finite")
        if moved > SEEN:
            return failed(
                "samples-mixed", f"predictions move by {moved:.1%} of the largest value when the other rows change"
            )
        return passed("samples-mixed", f"{n} samples, each predicted alike whatever stands beside it")

    def softmax_check(self, trainer: Trainer) -> Check:
        """Whether predictions are a softmax of what is a softmax already."""
        name = "softmax-twice"
        if not self.classes:
            return not_applicable(name, "no classes are predicted")
        with in_evaluation(self.module), Softmaxes() as seen:
            outputs = predict(trainer, self.module, self.plain)
        if of := seen.twice(outputs):
            return failed(name, of)
        return passed(name, "no probabilities are given to a softmax")

    def learning(self) -> Check:
        """Whether the batch was predicted ever worse."""
        start, *later = self.seen.errors.values()
        steps = max(self.seen.errors)
        chance = f" (chance: {math.log(self.classes):.3f})" if self.metric == "nll" else ""
        each = f", {statistics.median(self.seen.seconds):.4f} s a step" if self.seen.seconds else ""
        last = later[-1] if later else start
        said = f"{self.metric} of one batch {start:.3f}{chance}, {last:.3f} after {steps} steps{each}"
        name = "cannot-learn-a-batch"
        if not math.isfinite(start):
            return not_run(name, f"{self.metric} is undefined on the batch")
        if not all(map(math.isfinite, later)):
            return failed(name, f"{said}: predictions are no numbers any more")
        if later and min(later) >= start and last > max(WORSE * start, start + 0.1 * self.scale):
            return failed(name, f"{said}: it is predicted worse and worse")
        return passed(name, said)

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where there are none."""
        return self.config.task.classes or 0

    @property
    def scale(self) -> float:
        """What an error is held against: the likelihood of guessing, the spread of the targets."""
        if self.metric == "nll":
            return math.log(self.classes)
        return float(self.targets.std()) if len(self.targets) > 1 else 0.0
