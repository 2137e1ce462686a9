"""What must be true of the data before anything is learnt: counts, content, ranges, numbers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.schema import Task
from receipts.data import stored
from receipts.data.items import Items, samples
from receipts.data.manifest import Manifest
from receipts.data.sealed import SealedData, Subset
from receipts.data.steady import refuse_unsteady_batch, spread, unsteady
from receipts.provenance import opened
from receipts.refusal import Refusal
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

SHOWN = 5


def check(data: SealedData, task: Task) -> list[Check]:
    """Hold the opened splits against the manifest and the task; refuse what cannot be learnt from."""
    check_source(data.dataset, data.manifest)
    hashes = stored.read(data.manifest)
    found = []
    for split in data.opened:
        subset = data.subset(split)
        check_numbers(subset)
        check_labels(subset, task)
        found.append(check_content(data, subset, hashes))
    total = ", ".join(f"{len(data.rows(split))} {split}" for split in data.opened)
    found.append(passed("row-counts", f"{total} rows, as the manifest divides them"))
    return found


def check_source(dataset: Any, manifest: Manifest) -> None:
    """Files and descriptions that the dataset gives now, against those of the day the split was made."""
    listed = {name: manifest.files.get(name) for name in dataset.files}
    if set(dataset.files) != set(manifest.files):
        raise Refusal(
            f"the dataset reads {sorted(listed)}",
            f"its manifest covers {sorted(manifest.files)}; a file nobody checks can change under a number",
            "receipts split NAME      (and commit it)",
        )
    for key in ("kind", "source", "licence", "version", "generator", "features"):
        if getattr(dataset, key, None) != getattr(manifest, key):
            raise Refusal(
                f"the dataset calls its {key} {getattr(dataset, key, None)!r}",
                f"its manifest says {getattr(manifest, key)!r}",
                "receipts split NAME      (and commit it)",
            )


def covered(manifest: Manifest, read: set[str]) -> Check:
    """Whether the files that a dataset opened are those that its checksum covers."""
    name = "files-covered"
    if not manifest.files:
        return not_applicable(name, "the dataset names no files, and no number on it is reportable")
    others = sorted(opened.of_data(read) - {Path(file).as_posix() for file in manifest.files})
    others = [each for each in others if each not in {os.path.realpath(file) for file in manifest.files}]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        return failed(name, f"it opened {', '.join(others[:SHOWN])}{more}, which dataset.files does not name")
    return passed(name, f"it opened none but its {len(manifest.files)} files")


def check_content(data: SealedData, subset: Subset, hashes: dict[str, Array]) -> Check:
    """Every label of a split, and every sample that is in memory, byte by byte, against the manifest.

    Of a dataset that gives its samples one at a time, as many as a start can afford to read.
    """
    rows, lazy = data.rows(subset.name), isinstance(subset.inputs, Items)
    looked = spread(len(rows)) if lazy else np.arange(len(rows))
    x, y = stored.digests(samples(data.dataset, rows[looked])), stored.digests(subset.targets)
    for name, now, then, at in (("inputs", x, hashes["x"], looked), ("labels", y, hashes["y"], np.arange(len(rows)))):
        moved = at[stored.changed(now, then[rows[at]])]
        if moved.size:
            raise other_content(data, subset, name, moved)
    if isinstance(subset.inputs, Items):
        refuse_unsteady_batch(subset.inputs)
    inputs = (
        f"{len(looked)} of {len(rows)} inputs, evenly spread," if len(looked) < len(rows) else f"{len(rows)} inputs"
    )
    return passed(f"{subset.name}-content", f"{inputs} and labels hash as when the split was made")


def other_content(data: SealedData, subset: Subset, name: str, moved: Array) -> Refusal:
    """Samples or labels that are not what the manifest has: because they never are, or because the code changed."""
    ids = ", ".join(subset.ids[row] for row in moved[:5])
    rows = data.rows(subset.name)[moved[:5]]
    once, again = (stored.digests(samples(data.dataset, rows)) for _ in range(2))
    if name == "inputs" and stored.changed(once, again).size:
        return unsteady(type(data.dataset).__qualname__, f"samples {ids} of {subset.name} were others each time", "")
    return Refusal(
        f"{moved.size} {name} of {subset.name} are not those the split was made from",
        f"first of them {ids}: the files are the same, so the code that reads them changed",
        "take that change back, or receipts split NAME and commit it",
    )


def check_numbers(subset: Subset) -> None:
    """No NaN and no infinity, in targets or in inputs; of samples that come one at a time, in those looked at."""
    inputs, found = subset.inputs, {"targets": not_finite(subset.targets)}
    if isinstance(inputs, Items):
        looked = spread(len(inputs))
        bad = [not_finite(np.asarray(sample)[None]).size > 0 for sample in inputs.samples(looked) if is_plain(sample)]
        found["inputs"] = looked[np.array(bad, dtype=bool)] if len(bad) == len(looked) else looked[:0]
    else:
        named = inputs if isinstance(inputs, dict) else {"inputs": inputs}
        found |= {name: not_finite(values) for name, values in named.items()}
    for name, rows in found.items():
        if rows.size:
            raise Refusal(
                f"{rows.size} rows of {subset.name} have NaN or infinite {name}",
                f"first of them {', '.join(subset.ids[row] for row in rows[:5])}",
                "mend or drop them where the data are derived; nothing is imputed silently",
            )


def is_plain(sample: Any) -> bool:
    """Whether a sample is one array or number."""
    return not isinstance(sample, Mapping | tuple | list | str)


def not_finite(values: Array) -> Array:
    """Rows that hold NaN or infinity."""
    if not np.issubdtype(values.dtype, np.floating):
        return np.arange(0)
    return np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))


def check_labels(subset: Subset, task: Task) -> None:
    """Class labels are whole numbers from 0 to classes - 1."""
    if task.kind == "regression":
        return
    targets, classes = subset.targets, task.classes or 0
    if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer):
        raise Refusal(
            f"class labels are {targets.dtype} of shape {targets.shape}",
            f"a {task.kind} has one whole number a row",
            "targets.astype(np.int64), or task.kind: regression",
        )
    outside = np.flatnonzero((targets < 0) | (targets >= classes))
    if outside.size:
        shown = ", ".join(f"{subset.ids[row]} is {targets[row]}" for row in outside[:5])
        raise Refusal(
            f"{outside.size} labels of {subset.name} lie outside 0 … {classes - 1}", shown, "mend them, or task.classes"
        )
