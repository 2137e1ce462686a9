"""Whether what one epoch learnt is still there when the next begins: nobody starts weights over in between."""

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.hooked import Hooked
from receipts.training.sentinels.parameters import counted

SAMPLED = 4096  # elements of a tensor that are compared, spread evenly over it
FEWEST = 8  # elements that can tell whether a tensor was turned
ALIKE = 0.5  # cosine below which a tensor is another one; averaging, clipping to a norm and decay stay far above
TIMES = 2  # once may be an operation on purpose: pruning, an average taken over, a head for a new task


class ContinuityLedger(Hooked):
    """Compares samples of the weights at the end of an epoch with those that the next one's first step starts from."""

    lasting = ("began", "before", "due", "undone", "boundaries")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.began: dict[str, Tensor] = {}
        self.before: dict[str, Tensor] = {}
        self.due = True
        self.undone: dict[str, int] = {}
        self.boundaries = 0
        super().__init__()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look right before a step, after every hook that might change something."""
        self.handles = [optimizer.register_step_pre_hook(self.stepping) for optimizer in trainer.optimizers]
        self.module = pl_module

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take down where the epoch has come to."""
        self.before, self.due = samples(pl_module), True

    def stepping(self, *_: Optimizer | Any) -> None:
        """At the first step of the next epoch: is it still so?"""
        if not self.due:
            return
        now, self.due = samples(self.module), False
        self.boundaries += bool(self.before)
        for name, was in self.before.items():
            if name in now and is_undone(self.began.get(name), was, now[name]):
                self.undone[name] = self.undone.get(name, 0) + 1
        self.began, self.before = now, {}
        if again := [name for name, times in self.undone.items() if times >= TIMES]:
            self.findings.fails(
                "learning-undone",
                f"{counted(again, len(again))}: something else than at the end of the epoch before, {TIMES} of "
                f"{self.boundaries} times that an epoch began",
            )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what held."""
        if self.boundaries:
            self.findings.passes("learning-undone", f"{self.boundaries} epochs began where the one before had ended")
        else:
            self.findings.is_beside("learning-undone", "there was one epoch")
        self.leave()

    def leave(self) -> None:
        """Take every hook away, and let the samples go."""
        super().leave()
        self.began, self.before = {}, {}


def samples(module: LightningModule) -> dict[str, Tensor]:
    """Samples of the parameters that learn and have a direction: no biases, no scales."""
    return {
        name: sampled(tensor)
        for name, tensor in module.named_parameters()
        if tensor.requires_grad and tensor.dim() > 1 and tensor.numel() >= FEWEST
    }


def is_undone(began: Tensor | None, before: Tensor, now: Tensor) -> bool:
    """Whether a tensor was turned, or put back to the last bit to where its epoch began."""
    back = began is not None and torch.equal(now, began) and not torch.equal(before, began)
    return back or alike(before, now) < ALIKE


def sampled(tensor: Tensor) -> Tensor:
    """Some elements of a tensor, spread evenly over it, as a copy on the CPU: it may outlive this process."""
    plain = tensor.detach().reshape(-1)
    return plain[:: max(1, plain.numel() // SAMPLED)].clone().cpu()


def alike(one: Tensor, other: Tensor) -> float:
    """The cosine between two samples of one tensor; 1 where either is nothing but zeros."""
    if one.shape != other.shape or not bool(one.any()) or not bool(other.any()):
        return 1.0
    return float(torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=0))
