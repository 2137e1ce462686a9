"""Small modules trained for a moment under sentinels, in this process: what do they say?"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from receipts.refusal import CheckFailed
from receipts.runs.record import Check
from receipts.training.sentinels.findings import Findings
from receipts.training.trainer import KNOWN_NOISE

THEIR_NOISE = (  # what Lightning and torch say of faults on their own
    r"Found .* module\(s\) in eval mode",
    r".*does not have many workers",
    r".*`training_step` returned `None`",
    r"A `OneCycleLR` scheduler is using 'interval': 'epoch'",
    r"The provided params to be frozen already exist",
    r".*isinstance\(treespec, LeafSpec\)",
)
N, FEATURES, CLASSES, BATCH = 64, 6, 3, 8


class Small(LightningModule):
    """Rows (B, 6) to probabilities (B, 3); the tests change one thing of it."""

    def __init__(self, lr: float = 0.1) -> None:
        super().__init__()
        self.lr = lr
        self.body = nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Any:
        return functional.cross_entropy(self(batch[0]), batch[1])

    def predict_step(self, x: Tensor, batch_idx: int) -> Any:
        return self(x).float().softmax(-1)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        self.predict_step(batch[0], batch_idx)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)


def rows(n: int = N) -> tuple[Tensor, Tensor]:
    """Inputs and labels with something in them to learn."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, FEATURES, generator=generator)
    return x, (x[:, 0] + x[:, 1] > 0).long() + (x[:, 2] > 0.5)


def batches(n: int = N, size: int = BATCH) -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(TensorDataset(*rows(n)), size)


def watched(
    module: LightningModule,
    sentinel: Callable[[Findings], Callback],
    folder: Path,
    *others: Callback,
    waived: dict[str, str] | None = None,
    limited: bool = False,
    train: Any = None,
    **options: Any,
) -> tuple[dict[str, str], str | None]:
    """Train under one sentinel: the verdict of every check, and the check that ended it."""
    torch.manual_seed(0)
    found: list[Check] = []
    findings = Findings(found, waived or {}, folder, limited)
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[*others, sentinel(findings)],
        default_root_dir=folder,
        **{"max_epochs": 2, **options},
    )
    ended = None
    with warnings.catch_warnings():
        for message in (*KNOWN_NOISE, *THEIR_NOISE):
            warnings.filterwarnings("ignore", message=message)
        try:
            trainer.fit(module, train or batches(), batches(16))
        except CheckFailed as problem:
            ended = problem.check
    return {check.code: check.verdict for check in found}, ended
