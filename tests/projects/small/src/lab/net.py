"""Two plain modules."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional


class Net(LightningModule):
    """Rows (B, features) to class probabilities (B, outputs)."""

    def __init__(self, features: int, outputs: int, hidden: int, dropout: float, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.body = nn.Sequential(
            nn.Linear(features, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        return functional.cross_entropy(self(x), y)

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        return self(x).float().softmax(-1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


class Regressor(LightningModule):
    """Rows (B, features) to one number each."""

    def __init__(self, features: int, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.body = nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 1))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        return functional.mse_loss(self.predict_step(x, batch_idx), y)

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        return self.body(x).squeeze(-1) * 100 + 150

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)
