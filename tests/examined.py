"""Real digits and patients as tables, and what the checks of the data say of them."""

from typing import Any

import numpy as np
from sklearn import datasets
from tables import SHARES, Table

from receipts.config.compose import DataPlan, Experiment
from receipts.config.schema import Config, Split, Task
from receipts.data import splits
from receipts.data.manifest import Manifest
from receipts.data.sealed import SealedData, Subset
from receipts.data.transforms import Transforms
from receipts.guards.data import audit

DIGITS = datasets.load_digits()
PATIENTS = datasets.load_diabetes()
TEN = Task(kind="classification", classes=10, primary="accuracy")
VALUE = Task(kind="regression", primary="mae")


def digits(**changes: Any) -> Table:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    return Table(len(images), **{"inputs": images, "targets": DIGITS.target.astype(np.int64)} | changes)


def patients(**changes: Any) -> Table:
    facts = {"inputs": PATIENTS.data.astype(np.float32), "targets": PATIENTS.target.astype(np.float32)}
    return Table(442, **facts | changes)


def opened(table: Table, task: Task, transforms: list[Any]) -> tuple[Manifest, Subset, Subset]:
    plan = DataPlan("table", {"_target_": "lab.data.Table"}, Split("contiguous", dict(SHARES)), task)
    ((_, manifest),) = splits.make(plan, table)
    data = SealedData(table, manifest, ("train", "val"), None)
    steps = Transforms(transforms).fit(data)
    return manifest, steps.apply(data.subset("train")), steps.apply(data.subset("val"))


def failing(table: Table, task: Task = TEN, transforms: list[Any] | None = None, **changes: Any) -> set[str]:
    config = Config(task=task, model={"_target_": "lab.net.Net"})
    for name, value in changes.items():
        setattr(config, name, value)
    values = {"model": config.model, "data": {"_target_": "lab.none.Table"}, "transforms": [], "augment": []}
    experiment = Experiment(config, values, "net", ["full"], "table", [])
    found = audit.examine(experiment, *opened(table, task, transforms or []))
    assert all(check.evidence for check in found)
    return {check.code for check in found if check.verdict == "fail"}


def planted(how: Any) -> Table:
    table = digits()
    table.inputs = table.inputs.copy()
    how(table.inputs)
    return table


def with_column(column: Any, **changes: Any) -> Table:
    x = np.column_stack([PATIENTS.data, column]).astype(np.float32)
    return patients(inputs=x, **changes)
