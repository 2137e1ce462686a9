"""The numerics ledger: losses and weights are numbers, and clipping leaves something to learn from."""

import json
import math
import statistics
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer

from receipts.runs.files import write_atomically
from receipts.training.progress import loss_of
from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.hooked import Hooked
from receipts.training.sentinels.parameters import counted, values

DENSE, EVERY = 8, 64  # gradient norms are taken in the first steps, and then now and then
OVERFLOWS = 8  # losses that a gradient scaler may still find its scale with
TINY, SHARE, ASSETS = 0.02, 0.95, 0.1  # a clipped norm, how often, and how much of the gradient is left
UPHEAVAL, HELD_STEPS, LARGEST = 10.0, 3, 20_000_000


class NumericsLedger(Hooked):
    """`ids` names the samples of a batch by its number in the epoch, where that is known."""

    lasting = ("attempts", "overflows", "norms", "changes")

    def __init__(self, findings: Findings, ids: Callable[[int], list[str] | None]) -> None:
        self.findings, self.ids = findings, ids
        self.attempts = self.overflows = 0
        self.before: float | None = None
        self.norms: list[tuple[float, float]] = []  # before and after clipping
        self.weights: list[tuple[Tensor, Tensor]] = []  # now, and as they were
        self.changes: list[float] = []
        super().__init__()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Follow every optimizer."""
        for optimizer in trainer.optimizers:
            self.handles.append(optimizer.register_step_post_hook(self.stepped))
        if sum(parameter.numel() for parameter in pl_module.parameters()) < LARGEST:
            for optimizer in trainer.optimizers[:1]:
                self.handles.append(optimizer.register_step_pre_hook(self.stepping))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """The norm before clipping."""
        if self.attempts < DENSE or self.attempts % EVERY == 0:
            self.before = norm(optimizer)
        self.attempts += 1

    def stepping(self, optimizer: Optimizer, *_: Any) -> None:
        """Keep the weights of the first steps, to see how far they go."""
        if len(self.changes) < HELD_STEPS:
            self.weights = [(tensor, tensor.detach().clone()) for tensor in matrices(optimizer)]

    def stepped(self, optimizer: Optimizer, *_: Any) -> None:
        """The norm after clipping, and how far the weights went."""
        if self.before is not None:
            self.norms.append((self.before, norm(optimizer)))
            self.before = None
        if self.weights:
            ratios = [float((now - was).norm() / was.norm()) for now, was in self.weights if bool(was.any())]
            self.weights = []
            self.changes += [statistics.median(ratios)] if ratios else []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop at a loss that is no number, and after the first steps at weights that were thrown about."""
        loss = loss_of(outputs)
        if loss is not None and not math.isfinite(loss) and not self.may_recover(trainer, pl_module):
            self.stop(trainer, pl_module, f"the loss is {loss}", batch_idx)
        if len(self.changes) == HELD_STEPS:
            if max(self.changes) > UPHEAVAL:
                self.findings.fails(
                    "rate-too-high",
                    f"one of the first {HELD_STEPS} steps changed the weights by {max(self.changes):.0f} times their "
                    "size",
                )
            self.findings.passes("rate-too-high", f"the first steps changed weights by {max(self.changes):.1e} of them")
            self.changes.append(0.0)

    def may_recover(self, trainer: Trainer, pl_module: LightningModule) -> bool:
        """Whether a gradient scaler is at work that may leave this step out, and has left the weights whole so far."""
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        self.overflows += 1
        return scaler is not None and self.overflows <= OVERFLOWS and not broken(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Weights that are no numbers, gradients that were clipped away."""
        if broken(pl_module):
            self.stop(trainer, pl_module, "weights are not finite", None)
        if len(self.norms) >= DENSE:
            self.judge_clipping()

    def judge_clipping(self) -> None:
        """Whether nearly every gradient is cut to next to nothing."""
        pairs = [(before, after) for before, after in self.norms if before > 0]
        if not pairs:
            return
        cut = sum(after < 0.99 * before for before, after in pairs) / len(pairs)
        left = statistics.median(after / before for before, after in pairs)
        size = statistics.median(after for _, after in pairs)
        said = f"of {len(pairs)} steps that were looked at {cut:.0%} were clipped; {left:.1e} of the norm is left"
        if cut >= SHARE and left < ASSETS and size < TINY:
            self.findings.fails("clipped-to-nothing", f"{said}, {size:.1e}")
        self.findings.passes("clipped-to-nothing", said)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what held; leave nothing behind."""
        self.findings.passes("numbers-not-finite", f"the losses of {trainer.fit_loop.total_batch_idx + 1} batches")
        self.leave()

    def stop(self, trainer: Trainer, pl_module: LightningModule, what: str, batch_idx: int | None) -> None:
        """End the fit, and leave where it was and on which samples."""
        ids = None if batch_idx is None else self.ids(batch_idx)
        facts = {
            "what": what,
            "epoch": trainer.current_epoch + 1,
            "batch": batch_idx,
            "step": trainer.global_step,
            "ids": ids,
            "learning_rates": [group["lr"] for o in trainer.optimizers for group in o.param_groups],
            "weights": broken(pl_module),
            "gradients": [n for n, p in pl_module.named_parameters() if p.grad is not None and not is_finite(p.grad)],
        }
        file = f"not-finite.rank{trainer.global_rank}.json"
        write_atomically(self.findings.folder / file, json.dumps(facts, indent=1, default=float).encode() + b"\n")
        samples = f", samples {counted(ids[:5], len(ids))}" if ids else ""
        self.findings.fails(
            "numbers-not-finite", f"{what} at epoch {facts['epoch']}, step {facts['step']}{samples}", file
        )


def norm(optimizer: Optimizer) -> float:
    """The norm of all gradients that an optimizer is about to use."""
    tensors = (tensor for group in optimizer.param_groups for tensor in group["params"])
    return float(
        torch.nn.utils.get_total_norm([values(tensor.grad.detach()) for tensor in tensors if tensor.grad is not None])
    )


def matrices(optimizer: Optimizer) -> list[Tensor]:
    """The weights of an optimizer that are no biases and no scales."""
    return [tensor.detach() for group in optimizer.param_groups for tensor in group["params"] if tensor.dim() > 1]


def broken(module: nn.Module) -> list[str]:
    """Parameters that hold something that is no number."""
    return [name for name, parameter in module.named_parameters() if not is_finite(parameter)]


def is_finite(tensor: Tensor) -> bool:
    """Whether every element is a number."""
    return bool(values(tensor.detach()).isfinite().all())
