"""A network of two layers on flattened images: the rung between a linear model and convolutions."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional


class MLP(LightningModule):
    """Inputs (B, …) of `features` numbers each to class probabilities (B, classes)."""

    def __init__(self, features: int, classes: int, width: int, dropout: float, lr: float, weight_decay: float) -> None:
        super().__init__()
        self.lr, self.weight_decay = lr, weight_decay
        self.body = nn.Sequential(
            nn.Flatten(),
            nn.Linear(features, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes)."""
        return self.body(x)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Cross-entropy of one batch, a scalar."""
        x, y = batch
        return functional.cross_entropy(self(x), y)

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        """Class probabilities (B, classes)."""
        return self(x).softmax(-1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW at a constant rate, in one kernel: its overhead counts where steps are tiny."""
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=self.weight_decay, fused=True)
