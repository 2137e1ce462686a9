"""Making a split: rows divided by a named rule, with the facts that later checks need and must not open test for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from receipts.config import division
from receipts.config.compose import DataPlan
from receipts.data import rules, stored
from receipts.data.manifest import SCHEMA, Facts, Hashes, Manifest, NearDuplicates, Part, path_of
from receipts.data.protocol import is_lazy
from receipts.data.rules import Array, Rows
from receipts.data.steady import content_hashes
from receipts.provenance import checksums
from receipts.runs.files import write_atomically

NEAR = 0.05


def make(plan: DataPlan, dataset: Any, beside: str = "") -> list[tuple[DataPlan, Manifest]]:
    """Divide a dataset as its file states, and collect the facts about the division; one for each of its folds.

    `beside` ends the name of the file of hashes, where the dataset's own must stay as it is.
    """
    folds = [None] if plan.split.folds is None else list(range(plan.split.folds))
    plans = [replace(plan, split=replace(plan.split, fold=fold)) for fold in folds]
    division.check(plans[0].split)
    divided = [rules.divide(dataset, each.split) for each in plans]
    x, y = content_hashes(dataset)
    scattered = {
        stored.key_of(division.stated(each.split)): stored.codes_of(rows, len(x))
        for each, rows in zip(plans, divided, strict=True)
        if stored.is_scattered(rows)
    }
    hashes = stored.write(f"{plan.name}{beside}", x, y, scattered)
    return [
        (each, manifest(each, dataset, hashes, parts(each, dataset, rows), facts(dataset, rows, x)))
        for each, rows in zip(plans, divided, strict=True)
    ]


def manifest(plan: DataPlan, dataset: Any, hashes: Hashes, splits: dict[str, Part], found: Facts | None) -> Manifest:
    """Everything that is to be known of a division without opening it."""
    return Manifest(
        schema=SCHEMA,
        dataset=plan.call["_target_"],
        arguments={key: value for key, value in plan.call.items() if key != "_target_"},
        kind=dataset.kind,
        source=dataset.source,
        licence=dataset.licence,
        version=dataset.version,
        files={name: f"md5:{checksums.md5(Path(name))}" for name in dataset.files},
        rule=division.stated(plan.split),
        hashes=hashes,
        splits=splits,
        facts=found,
        access=getattr(dataset, "access", ""),
        generator=getattr(dataset, "generator", None),
    )


def write(plan: DataPlan, manifest: Manifest) -> Path:
    """Store a manifest where everyone looks for it."""
    path = path_of(plan)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return path


def parts(plan: DataPlan, dataset: Any, rows: Rows) -> dict[str, Part]:
    """The splits as the manifest tells them."""
    scattered, targets = stored.is_scattered(rows), np.asarray(dataset.targets)
    return {
        name: Part(None if scattered else stored.ranges(part), len(part), labels(targets[part], plan.task.classes))
        for name, part in rows.items()
    }


def labels(targets: Array, classes: int | None) -> dict[str, int]:
    """How often each label occurs; nothing where there are no classes."""
    if classes is None:
        return {}
    names, counts = np.unique(targets, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def facts(dataset: Any, rows: Rows, x: Array) -> Facts:
    """What the splits share, counted over val and test against everything else."""
    entities, times = (getattr(dataset, name, None) for name in ("entities", "times"))
    shared = None if entities is None else shared_values(np.asarray(entities), rows)
    ordered = None if times is None else in_order(np.asarray(times), rows)
    return Facts(shared, ordered, shared_values(x, rows), near_duplicates(dataset, rows, x))


def in_order(times: Array, rows: Rows) -> bool:
    """Whether all of train comes before all of test."""
    return bool(np.max(times[rows["train"]]) <= np.min(times[rows["test"]]))


def shared_values(values: Array, rows: Rows) -> int:
    """How many distinct values occur in more than one split."""
    seen = [np.unique(values[part]) for part in rows.values()]
    _, counts = np.unique(np.concatenate(seen), return_counts=True)
    return int(np.sum(counts > 1))


def near_duplicates(dataset: Any, rows: Rows, x: Array) -> NearDuplicates:
    """Rows of val and test whose nearest row of the train split is nearly the same, exact copies aside.

    The distance is the root mean square difference of two samples over the standard deviation of all values.
    """
    method = "nearest train row, root mean square difference over the standard deviation of all values"
    if is_lazy(dataset) or not is_numeric(dataset.inputs):
        return NearDuplicates(0, "not searched: the inputs are no single numeric array", NEAR)
    train = flatten(dataset.inputs, rows["train"])
    scale, centre = float(train.std()) or 1.0, train.mean(0)  # far from zero, squares would swallow the differences
    train -= centre
    squares = (train**2).sum(1)
    found = 0
    for name in ("val", "test"):
        for start in range(0, len(rows[name]), 512):
            block = rows[name][start : start + 512]
            nearest = nearest_distance(flatten(dataset.inputs, block) - centre, train, squares)
            found += int(np.sum((nearest / scale < NEAR) & ~np.isin(x[block], x[rows["train"]])))
    return NearDuplicates(found, method, NEAR)


def is_numeric(inputs: Any) -> bool:
    """Whether inputs are one array of numbers."""
    return not isinstance(inputs, dict) and np.issubdtype(np.asarray(inputs[:1]).dtype, np.number)


def flatten(inputs: Array, rows: Array) -> Array:
    """Samples as rows of float32 `(len(rows), features)`."""
    return np.asarray(inputs[rows], dtype=np.float32).reshape(len(rows), -1)


def nearest_distance(block: Array, train: Array, squares: Array) -> Array:
    """Root mean square difference between each row of a block and its nearest train row.

    `squares` holds the sum of squares of every train row.
    """
    apart = (block**2).sum(1)[:, None] + squares[None] - 2 * block @ train.T
    return np.asarray(np.sqrt(np.maximum(apart.min(1), 0) / block.shape[1]))
