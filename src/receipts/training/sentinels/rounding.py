"""Whether weights of 16 bits feel their updates: smaller ones than the spacing of numbers around a weight are lost."""

import statistics
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.hooked import Hooked
from receipts.training.sentinels.parameters import in_groups

LOOKS = 3  # steps
LOST = 0.5  # of the weights with a gradient, untouched by a step
HALF = (torch.float16, torch.bfloat16)


class RoundingLedger(Hooked):
    """Counts, in the first steps, how many weights of 16 bits have a gradient and stay the same to the last bit."""

    lasting = ("shares",)

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.held: list[tuple[Tensor, Tensor]] = []
        self.shares: list[float] = []
        super().__init__()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Follow the optimizers of such weights; there are none as a rule."""
        if any(parameter.dtype in HALF for parameter in pl_module.parameters()):
            for optimizer in trainer.optimizers:
                self.handles.append(optimizer.register_step_pre_hook(self.stepping))
                self.handles.append(optimizer.register_step_post_hook(self.stepped))
        else:
            self.findings.is_beside("updates-lost", "no weight is held in 16 bits")

    def stepping(self, optimizer: Optimizer, *_: Any) -> None:
        """Keep the weights that are about to be moved."""
        if len(self.shares) < LOOKS:
            held = [tensor for tensor in in_groups([optimizer]) if tensor.dtype in HALF and tensor.dim() > 1]
            self.held = [(tensor, tensor.detach().clone()) for tensor in held]

    def stepped(self, *_: Any) -> None:
        """See how many were not."""
        pushed = still = 0
        for tensor, was in self.held:
            if tensor.grad is None:
                continue
            reached = torch.ne(tensor.grad, 0)
            pushed += int(reached.sum())
            still += int((reached & torch.eq(tensor.detach(), was)).sum())
        self.shares += [still / pushed] if pushed else []
        self.held = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Judge the first steps."""
        if len(self.shares) == LOOKS:
            share = statistics.median(self.shares)
            said = f"{share:.0%} of the weights that a gradient reached were the same after a step of 16-bit arithmetic"
            if share > LOST:
                self.findings.fails("updates-lost", said)
            self.findings.passes("updates-lost", said)
            self.shares.append(share)

    def leave(self) -> None:
        """Take every hook away, and let the weights go."""
        super().leave()
        self.held = []
