"""A small convolutional network."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F


class CNN(LightningModule):
    """Grey images (B, 1, H, W) to class probabilities (B, classes)."""

    def __init__(self, classes: int, width: int, dropout: float, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.body(x).flatten(2).mean(-1)
        return self.head(self.dropout(features))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, y = batch
        z = self(x)
        return F.cross_entropy(z, y)

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        return self(x).float().softmax(-1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.lr)
