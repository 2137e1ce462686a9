"""Modules and datasets that do what is allowed and seldom done."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional

from lab.data import Digits


class Plain(LightningModule):
    """Rows (B, 64) to probabilities (B, 10): one layer, plain SGD, and optionally a rate that falls on a plateau."""

    def __init__(self, lr: float, plateau: bool) -> None:
        super().__init__()
        self.lr, self.plateau = lr, plateau
        self.layer = nn.Linear(64, 10)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return functional.cross_entropy(self.layer(batch[0]), batch[1])

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self.layer(x).softmax(-1)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        if not self.plateau:
            return optimizer
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=0, eps=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val/accuracy"}}


class Greedy(Plain):
    """Writes into the batch it is given, as one may with a DataLoader's."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return super().training_step((batch[0].mul_(0.5), batch[1]), batch_idx)

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self.layer(x.mul_(0.5)).softmax(-1)


class Talkative(Plain):
    """Returns logits by name, and more."""

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        logits = self.layer(x)
        return {"logits": logits, "margin": logits.max(-1).values, "hidden": x[:, :3]}


class Unpinnable(Plain):
    """Uses an operation that has no deterministic form."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        torch.zeros(3).put_(torch.tensor([0, 1]), torch.tensor([1.0, 2.0]))
        return super().training_step(batch, batch_idx)


class Usurper(Plain):
    """Logs a number of its own under the harness's name."""

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.log("val/accuracy", 1.0)


class Halves(LightningModule):
    """Two named inputs, of which one is an index, to probabilities (B, 10)."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.layer = nn.Linear(32, 10)
        self.rows = nn.Embedding(17, 32)

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        return self.layer(x["upper"] + self.rows(x["corner"]))

    def training_step(self, batch: tuple[dict[str, Tensor], Tensor], batch_idx: int) -> Tensor:
        return functional.cross_entropy(self(batch[0]), batch[1])

    def predict_step(self, x: dict[str, Tensor], batch_idx: int) -> Tensor:
        return self(x).softmax(-1)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class Blur(LightningModule):
    """Images (B, 8, 8) to images of the same shape."""

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return functional.mse_loss(self.predict_step(batch[0], batch_idx), batch[1])

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        return self.layer(x[:, None])[:, 0]

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class HalfDigits(Digits):
    """The upper half of each digit and, as an index, its first pixel below."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        pixels = self.inputs
        self.inputs = {"upper": pixels[:, :32].astype(np.float64), "corner": (pixels[:, 35] * 16).astype(np.int64)}


class Maps(Digits):
    """Every digit as an image, to be predicted from itself."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.inputs = self.inputs.reshape(-1, 8, 8)
        self.targets = self.inputs.astype(np.float64) * 2


class Last(Callback):
    """Leaves the weights of the last step, and how far they are from the first, in `last.pt`."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.first = [parameter.detach().clone() for parameter in pl_module.parameters()]

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        moved = [
            (one.detach() - other).square().sum() for one, other in zip(pl_module.parameters(), self.first, strict=True)
        ]
        facts = {"steps": trainer.global_step, "moved": float(torch.stack(moved).sum().sqrt())}
        torch.save({"state_dict": pl_module.state_dict(), **facts}, Path(trainer.default_root_dir) / "last.pt")


class Spoil(Callback):
    """Forgets everything it learns from an epoch on, so that the best one lies before it."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch >= self.epoch:
            for parameter in pl_module.parameters():
                parameter.data.zero_()
