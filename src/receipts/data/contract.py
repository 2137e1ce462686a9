"""What must be true of the data before anything is learnt: counts, content, ranges, numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from receipts.config.schema import Task
from receipts.data.manifest import Manifest
from receipts.data.sealed import SealedData, Subset
from receipts.data.splits import content_hashes
from receipts.provenance import code
from receipts.refusal import Refusal
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]


def check(data: SealedData, task: Task) -> list[Check]:
    """Hold the opened splits against the manifest and the task; refuse what cannot be learnt from."""
    check_source(data)
    stored = hashes(data.manifest)
    found = []
    for split in data.opened:
        subset = data.subset(split)
        check_numbers(subset)
        check_labels(subset, task)
        found.append(check_content(data, split, stored))
    total = ", ".join(f"{len(data.rows(split))} {split}" for split in data.opened)
    found.append(Check("row-counts", "pass", f"{total} rows, as the manifest divides them"))
    return found


def check_source(data: SealedData) -> None:
    """Files and descriptions that the dataset gives now, against those of the day the split was made."""
    dataset, manifest = data.dataset, data.manifest
    listed = {name: manifest.files.get(name) for name in dataset.files}
    if set(dataset.files) != set(manifest.files):
        raise Refusal(
            f"the dataset reads {sorted(listed)}",
            f"its manifest covers {sorted(manifest.files)}; a file nobody checks can change under a number",
            "receipts split NAME      (and commit it)",
        )
    for key in ("kind", "source", "licence", "version"):
        if getattr(dataset, key) != getattr(manifest, key):
            raise Refusal(
                f"the dataset calls its {key} {getattr(dataset, key)!r}",
                f"its manifest says {getattr(manifest, key)!r}",
                "receipts split NAME      (and commit it)",
            )


def hashes(manifest: Manifest) -> dict[str, Array]:
    """The stored content hashes of all rows, checked against their own checksum."""
    path = Path(manifest.hashes.file)
    if not path.is_file() or code.sha256(path.read_bytes()) != manifest.hashes.sha256:
        raise Refusal(f"{path} is not the file its manifest names", "it is missing or changed", f"git checkout {path}")
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in ("x", "y")}


def check_content(data: SealedData, split: str, stored: dict[str, Array]) -> Check:
    """Every sample and label of a split, byte by byte, against the manifest."""
    rows = data.rows(split)
    subset = data.subset(split)
    x, y = content_hashes(subset.inputs, subset.targets)
    for name, now, then in (("inputs", x, stored["x"]), ("labels", y, stored["y"])):
        changed = np.flatnonzero(now != then[rows])
        if changed.size:
            ids = [subset.ids[row] for row in changed[:5]]
            raise Refusal(
                f"{changed.size} {name} of {split} are not those the split was made from",
                f"first of them {', '.join(ids)}: the files are the same, so the code that reads them changed",
                "take that change back, or receipts split NAME and commit it",
            )
    return Check(f"{split}-content", "pass", f"{len(rows)} inputs and labels hash as when the split was made")


def check_numbers(subset: Subset) -> None:
    """No NaN and no infinity, in inputs or targets."""
    parts = subset.inputs if isinstance(subset.inputs, dict) else {"inputs": subset.inputs}
    for name, values in {**parts, "targets": subset.targets}.items():
        if not np.issubdtype(values.dtype, np.floating):
            continue
        bad = ~np.isfinite(values).reshape(len(values), -1).all(1)
        if bad.any():
            ids = [subset.ids[row] for row in np.flatnonzero(bad)[:5]]
            raise Refusal(
                f"{int(bad.sum())} rows of {subset.name} have NaN or infinite {name}",
                f"first of them {', '.join(ids)}",
                "mend or drop them where the data are derived; nothing is imputed silently",
            )


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
