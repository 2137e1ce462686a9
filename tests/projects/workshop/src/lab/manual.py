"""The same network, which calls its optimizer itself."""

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lab.cnn import CNN


class Manual(CNN):
    """Grey images (B, 1, H, W) to class probabilities (B, classes)."""

    def __init__(self, classes: int, width: int, dropout: float, lr: float) -> None:
        super().__init__(classes, width, dropout, lr)
        self.automatic_optimization = False

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        x, y = batch
        opt = self.optimizers()
        opt.zero_grad()
        loss = F.cross_entropy(self(x), y)
        self.manual_backward(loss)
        opt.step()
        return loss
