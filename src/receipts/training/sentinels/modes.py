"""The mode ledger: what trains is in training mode, what evaluates is not, and looking at val changes nothing."""

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.fingerprints import bits
from receipts.training.sentinels.influence import SEEN, distance, predict
from receipts.training.sentinels.parameters import counted, is_declared

LOOKS = 2  # passes over val that are watched


class ModeLedger(Callback):
    """Looks at the flags of the first step after each change of phase, and at the first passes over val."""

    lasting = ("due", "looks", "statistics")

    def __init__(self, findings: Findings, frozen: list[str], random_predictions: bool) -> None:
        self.findings, self.frozen, self.random = findings, frozen, random_predictions
        self.due = True
        self.looks = 0
        self.statistics: dict[str, int] = {}

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the next step."""
        self.due = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Layers that sleep while they should learn."""
        if not self.due:
            return
        self.due = False
        if asleep := dormant(pl_module, self.frozen):
            self.findings.fails(
                "trains-in-eval-mode",
                f"in training step {trainer.global_step} {counted(asleep, len(asleep))} were in evaluation mode, "
                "in a part that learns",
            )

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, _: int = 0
    ) -> None:
        """Take down the running statistics: those of averaged weights, where they are swapped in for the pass."""
        if batch_idx == 0 and self.looks < LOOKS and trainer.global_rank == 0:  # the others are given the first one's
            self.statistics = running(pl_module)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, _: int = 0
    ) -> None:
        """Flags and statistics after the first batch, and two predictions of it."""
        if batch_idx or self.looks >= LOOKS:
            return
        now = running(pl_module)
        moved = [name for name, was in self.statistics.items() if now[name] != was]
        if awake := [name for name, part in pl_module.named_modules() if part.training and depends_on_mode(part)]:
            if not (self.random and all(isinstance(pl_module.get_submodule(name), _DropoutNd) for name in awake)):
                self.findings.fails(
                    "evaluates-in-training-mode",
                    f"{counted(awake, len(awake))} were in training mode while val was predicted",
                )
        elif moved:
            self.findings.fails(
                "statistics-moved-in-eval", f"{counted(moved, len(moved))} changed while val was predicted"
            )
        elif not self.random and self.looks == 0:
            self.predict_twice(trainer, pl_module, batch[0])

    def predict_twice(self, trainer: Trainer, pl_module: LightningModule, x: Any) -> None:
        """The same rows under two seeds."""
        apart = distance(predict(trainer, pl_module, x), predict(trainer, pl_module, x, seed=2))
        if math.isfinite(apart) and apart > SEEN:  # what is not finite, the harness refuses by name
            self.findings.fails(
                "eval-is-random", f"two predictions for one batch of val differ by {apart:.1%} of the largest value"
            )

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """One more pass has been looked at."""
        self.due = True
        self.looks += 1
        if self.looks == LOOKS:
            self.conclude()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what held, where there were fewer passes."""
        if self.looks:
            self.conclude()

    def conclude(self) -> None:
        """What held."""
        said = f"as it should be in the first {self.looks} passes over val and the steps around them"
        names = ("trains-in-eval-mode", "evaluates-in-training-mode", "statistics-moved-in-eval")
        for name in names:
            self.findings.passes(name, said)
        if self.random:
            self.findings.is_beside("eval-is-random", "facts.random_predictions is declared")
        else:
            self.findings.passes("eval-is-random", "two predictions for the first batch of val are the same")


def depends_on_mode(part: nn.Module) -> bool:
    """Whether a layer computes something else while it trains."""
    if isinstance(part, _DropoutNd):
        return part.p > 0
    if isinstance(part, _NormBase):
        return part.track_running_stats
    if isinstance(part, nn.MultiheadAttention | nn.RNNBase):
        return part.dropout > 0
    return isinstance(part, nn.RReLU)


def dormant(module: nn.Module, frozen: list[str]) -> list[str]:
    """Layers in evaluation mode in a part that learns and is in evaluation mode as a whole.

    A norm or dropout that sleeps alone, among others that are awake, was put to sleep on purpose.
    """
    found = []
    for name, part in module.named_modules():
        if part.training or not depends_on_mode(part):
            continue
        place = name.rpartition(".")[0]
        around = module.get_submodule(place)
        learns = any(
            parameter.requires_grad and not is_declared(f"{place}.{key}".lstrip("."), frozen)
            for key, parameter in around.named_parameters()
        )
        if learns and not around.training:
            found.append(name)
    return found


def running(module: nn.Module) -> dict[str, int]:
    """The bits of every running mean and variance."""
    return {
        f"{name}.{key}": bits(buffer)
        for name, part in module.named_modules()
        if isinstance(part, _NormBase)
        for key, buffer in part.named_buffers(recurse=False)
    }
