"""The step ledger: what was computed is used. Steps that were planned are taken, gradients are not thrown away."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.hooked import Hooked
from receipts.training.sentinels.parameters import in_groups, is_empty

SKIPPED, ATTEMPTS = 0.5, 20  # a share of steps left out, and the fewest that can tell
PLANNED = 0.9  # of all planned batches, below which a training has not run its course


class StepLedger(Hooked):
    """Counts batches, steps, and the batches whose gradients were wiped before any optimizer took a step."""

    lasting = ("attempts", "steps", "batches", "wiped", "steps_before", "waits", "without")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.attempts = self.steps = self.batches = self.wiped = self.steps_before = 0
        self.without = 0  # batches that training_step returned no loss of
        self.waits = False  # a batch ended with a gradient and without a step
        super().__init__()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Follow every optimizer; of a module that steps by itself, the gradient of the smallest tensor, too."""
        self.handles = [optimizer.register_step_post_hook(self.stepped) for optimizer in trainer.optimizers]
        held = [tensor for tensor in in_groups(trainer.optimizers) if tensor.requires_grad]
        if held and not pl_module.automatic_optimization:
            self.probe: Tensor = min(held, key=lambda tensor: tensor.numel())
            self.handles.append(self.probe.register_hook(self.arrival))  # type: ignore[no-untyped-call]

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """A step is about to be taken, unless a gradient scaler leaves it out."""
        self.attempts += 1

    def stepped(self, *_: Any) -> None:
        """A step was taken."""
        self.steps += 1
        self.waits = False

    def arrival(self, _: Tensor) -> None:
        """A gradient arrives: one that no step has used should still be there."""
        if self.waits:
            self.wiped += is_empty(self.probe.grad)
            self.waits = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the batch, and whether anything came of it."""
        self.batches += 1
        self.without += pl_module.automatic_optimization and not outputs  # Lightning's way to say that it skipped one
        self.waits = self.steps == self.steps_before
        self.steps_before = self.steps

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the steps so far; most may not be left out."""
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if scaler is not None and self.attempts >= ATTEMPTS:
            self.judge(1 - self.steps / self.attempts, f"of {self.attempts} steps overflowed")
        if self.batches >= ATTEMPTS:
            self.judge(self.without / self.batches, f"of {self.batches} batches were skipped: no loss was returned")
            self.judge(self.wiped / self.batches, f"of {self.batches} gradients were emptied before a step used them")

    def judge(self, share: float, what: str) -> None:
        """Fail where more than half was left out."""
        if share > SKIPPED:
            self.findings.fails("steps-skipped", f"{share:.0%} {what}")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A training that came to its last epoch has seen as many batches as were planned."""
        self.leave()
        epochs, per_epoch = trainer.max_epochs or 0, trainer.num_training_batches
        done = trainer.fit_loop.total_batch_idx + 1
        whole = trainer.current_epoch >= epochs and isinstance(per_epoch, int) and not trainer.should_stop
        said = f"{done} batches, {self.steps} steps"
        if whole and done < PLANNED * epochs * per_epoch:
            self.findings.fails("steps-skipped", f"{said}, and {epochs * per_epoch} batches were planned")
        self.findings.passes("steps-skipped", said)
