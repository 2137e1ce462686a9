"""Whether normalisation layers that train have taken notice: their running statistics are not those they began with."""

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.nn.modules.batchnorm import _NormBase

from receipts.training.sentinels.findings import Findings
from receipts.training.sentinels.modes import running
from receipts.training.sentinels.updates import counted


class StatisticsLedger(Callback):
    """Compares running means and variances before the first epoch and after it, of the layers that saw batches."""

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
        now, used = running(pl_module), in_use(pl_module)
        still = [name for name in used if all(now[key] == self.first[key] for key in keys(name) if key in self.first)]
        if still:
            self.findings.fails(
                "statistics-never-move",
                f"{counted(still, len(still))}: normalised {used[still[0]]} batches, and the running mean and variance "
                "are still those they began with",
            )
        elif used:
            self.findings.passes("statistics-never-move", f"{len(used)} normalisation layers, all moved")
        else:
            self.findings.is_beside("statistics-never-move", "no layer keeps running statistics while it trains")


def in_use(module: LightningModule) -> dict[str, int]:
    """Layers that normalised batches by their own statistics, and how many."""
    return {
        name: int(part.num_batches_tracked)
        for name, part in module.named_modules()
        if isinstance(part, _NormBase) and part.running_mean is not None and part.num_batches_tracked
    }


def keys(name: str) -> tuple[str, str]:
    """What a layer's running statistics are called."""
    return f"{name}.running_mean", f"{name}.running_var"
