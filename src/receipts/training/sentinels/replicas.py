"""The rank ledger: processes that train together hold the same weights at the end of every epoch."""

import torch
import torch.distributed
from lightning.pytorch import Callback, LightningModule, Trainer

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.fingerprints import bits


class ReplicaLedger(Callback):
    """Compares the bits of every parameter across processes."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Gather and compare; every process comes to the same verdict."""
        if trainer.world_size == 1:
            return
        names = [name for name, _ in pl_module.named_parameters()]
        own = torch.tensor([bits(parameter) for parameter in pl_module.parameters()], device=pl_module.device)
        everybody = [torch.empty_like(own) for _ in range(trainer.world_size)]
        torch.distributed.all_gather(everybody, own)
        apart = [name for row, name in enumerate(names) if any(other[row] != everybody[0][row] for other in everybody)]
        said = f"{len(names)} parameters on {trainer.world_size} processes, epoch {trainer.current_epoch + 1}"
        if apart:
            self.findings.fails("replicas-differ", f"{len(apart)} of {said}, {apart[0]} first")
        self.findings.passes("replicas-differ", said)
