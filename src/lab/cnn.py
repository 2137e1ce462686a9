"""The example network: small enough to read, good enough to beat a linear model."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional


class SmallCNN(LightningModule):
    """Grey images (B, 1, H, W) in [0, 1] to class probabilities (B, classes).

    Strides instead of pooling: adaptive and max pooling have no deterministic backward on a GPU.
    """

    def __init__(self, classes: int, width: int, dropout: float, lr: float, weight_decay: float) -> None:
        super().__init__()
        self.lr, self.weight_decay = lr, weight_decay
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes): features averaged over the image, then one linear layer."""
        return self.head(self.body(x).mean(dim=(2, 3)))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Cross-entropy of one batch, a scalar."""
        x, y = batch
        return functional.cross_entropy(self(x), y)

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        """Class probabilities (B, classes); in half precision their rows would not add up to one."""
        return self(x).float().softmax(-1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW at a constant rate."""
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=self.weight_decay)
