"""Making a split: rows divided by a named rule, with the facts that later checks need and must not open test for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from receipts.config import division
from receipts.config.build import construct
from receipts.config.compose import DataPlan
from receipts.data import followed, protocol, rules, shared, stored, twins
from receipts.data.facts import Facts
from receipts.data.golden import golden
from receipts.data.manifest import SCHEMA, Hashes, Manifest, Part, path_of
from receipts.data.rules import Array, Rows
from receipts.data.steady import content_hashes
from receipts.provenance import checksums
from receipts.runs.files import write_atomically

LONGEST = 200  # characters of a reason


def make(plan: DataPlan, dataset: Any, beside: str = "") -> list[tuple[DataPlan, Manifest]]:
    """Divide a dataset as its file states, and collect the facts about the division; one for each of its folds.

    `beside` ends the name of the file of hashes, where the dataset's own must stay as it is.
    """
    folds = [None] if plan.split.folds is None else list(range(plan.split.folds))
    plans = [replace(plan, split=replace(plan.split, fold=fold)) for fold in folds]
    division.check(plans[0].split)
    near = plan.split.near_duplicate or twins.FRACTION
    divided = [rules.divide(dataset, each.split) for each in plans]
    x, y = content_hashes(dataset)
    scattered = {
        stored.key_of(division.stated(each.split)): stored.codes_of(rows, len(x))
        for each, rows in zip(plans, divided, strict=True)
        if stored.is_scattered(rows)
    }
    hashes = stored.write(f"{plan.name}{beside}", x, y, scattered)
    found = twins.features(dataset)
    shared.refuse_not_finite(dataset, found, divided[0])
    follow = following(plan, dataset, found, divided[0])
    told = [msgspec.structs.replace(shared.facts(dataset, rows, x, found, near), followed=follow) for rows in divided]
    return [
        (each, golden(manifest(each, dataset, hashes, parts(each, dataset, rows), facts), dataset, each))
        for each, rows, facts in zip(plans, divided, told, strict=True)
    ]


def following(plan: DataPlan, dataset: Any, found: Array | None, rows: Rows) -> list[int] | str:
    """The first columns of train that change with lines of test; where that cannot be found out, the reason."""
    if protocol.is_lazy(dataset):
        return "its samples are read one at a time"
    if found is None:
        return "its samples are no rows of numbers"
    arguments = construct("data", {key: value for key, value in plan.call.items() if key != "_target_"})

    def again() -> followed.Read | str:
        try:
            built = type(dataset)(**arguments)
            features, targets = twins.features(built), np.asarray(built.targets)
        except Exception as error:  # noqa: BLE001 - somebody's class, which may not bear that two lines are equal
            return f"it cannot be built from changed lines: {type(error).__name__}: {error}"[:LONGEST]
        return "built from changed lines it is no rows of numbers" if features is None else (features, targets)

    told = followed.columns(dataset, found, rows["train"], rows["test"], again)
    return told if isinstance(told, str) else told[: shared.SHOWN]


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
        features=getattr(dataset, "features", None),
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
