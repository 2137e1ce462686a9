"""Whether normalisation layers that train have taken notice: their running statistics are not those they began with."""

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn.modules.batchnorm import _NormBase

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.modes import running
from receipts.training.sentinels.parameters import counted


class StatisticsLedger(Callback):
    """Compares running means and variances before the first epoch and after it, of the layers that saw batches."""

    lasting = ("first", "settled")

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.first: dict[str, int] | None = None
        self.settled = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take down the first ones."""
        self.first = running(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the first epoch."""
        if self.settled or self.first is None:
            return
        self.settled = True
        now, first = running(pl_module), self.first
        moved = {name: [key for key in buffers(name) if now.get(key) != first.get(key)] for name in norms(pl_module)}
        used = [name for name, keys in moved.items() if f"{name}.num_batches_tracked" in keys]
        if still := [name for name in used if len(moved[name]) == 1]:
            self.findings.fails(
                "statistics-never-move",
                f"{counted(still, len(still))}: batches were normalised for an epoch, and the running mean and "
                "variance are still those it began with",
            )
        elif used:
            self.findings.passes("statistics-never-move", f"{len(used)} normalisation layers, all moved")
        else:
            self.findings.is_beside("statistics-never-move", "no layer keeps running statistics while it trains")


def norms(module: LightningModule) -> list[str]:
    """Layers that keep running statistics."""
    return [
        name for name, part in module.named_modules() if isinstance(part, _NormBase) and part.running_mean is not None
    ]


def buffers(name: str) -> list[str]:
    """What a layer's running statistics, and the batches that it counted, are called."""
    return [f"{name}.{key}" for key in ("running_mean", "running_var", "num_batches_tracked")]
