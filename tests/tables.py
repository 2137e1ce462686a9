"""Datasets of a few rows, made in memory, and manifests that divide them."""

from pathlib import Path
from typing import Any

import numpy as np

from receipts.config.compose import DataPlan
from receipts.config.schema import Split, Task
from receipts.data import splits
from receipts.data.manifest import Manifest

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
CLASSES = Task(kind="classification", classes=3, primary="accuracy")
VALUES = Task(kind="regression", primary="mae")


class Table:
    """N rows of random numbers `(N, 4)` with labels 0, 1, 2, 0, …; anything may be exchanged."""

    def __init__(self, n: int = 20, **changes: Any) -> None:
        self.kind, self.source, self.licence, self.version = "real", "nowhere", "none", "1"
        self.files: list[str] = []
        self.inputs: Any = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
        self.targets: Any = np.arange(n) % 3
        self.ids: Any = [f"row-{row}" for row in range(n)]
        self.__dict__.update(changes)


def plan(task: Task = CLASSES, shares: dict[str, float] | None = None, rule: str = "contiguous") -> DataPlan:
    """What a file of conf/data/ would state."""
    return DataPlan("table", {"_target_": "lab.data.Table", "n": 20}, Split(rule, dict(shares or SHARES)), task)


def divided(dataset: Table, task: Task = CLASSES, shares: dict[str, float] | None = None) -> Manifest:
    """The dataset's manifest; its content hashes lie in `splits/` of the working folder."""
    Path("splits").mkdir(exist_ok=True)
    return splits.make(plan(task, shares), dataset)
