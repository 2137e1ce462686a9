"""Which group each sample belongs to: the dataset's own groups or, where it names none, what the task suggests."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from receipts.config.schema import Task
from receipts.evaluation.predictions import CLASSES, Predictions

Array = NDArray[Any]
PARTS = 5  # groups that values are cut into by quantiles of the target
LONGEST = 60  # characters of a folder name before its hash
TAKEN = {"_index", "per_entity", "con", "prn", "aux", "nul"}  # our own files, and what Windows takes for devices


@dataclass(frozen=True)
class Grouping:
    """`codes` (N,) number the sample's group in `names`; `by` says in words what makes a group.

    `by_target`: cut by what is true, so that metrics which compare targets with one another mean little inside.
    """

    by: str
    names: list[str]
    codes: NDArray[np.intp]
    by_target: bool = False


def grouped(predictions: Predictions, task: Task) -> Grouping:
    """The groups that the dataset declares; without any the true classes, or fifths of the target by its quantiles."""
    if predictions.groups is not None:
        return numbered("the dataset's groups", predictions.groups)
    targets = predictions.targets
    assert targets is not None, "only labelled predictions are looked into"
    if task.kind in CLASSES:
        classes, codes = np.unique(targets, return_inverse=True)
        names = [f"class {label:g}" for label in classes]
        return Grouping("true class, since the dataset declares no groups", names, codes, by_target=True)
    return by_quantile(targets)


def numbered(by: str, labels: Iterable[str]) -> Grouping:
    """Groups by name, numbered in the order of their names; hashed, not sorted, so linear in the samples."""
    codes, names = pd.factorize(np.array(list(labels), dtype=object), sort=True)
    return Grouping(by, [str(name) for name in names], codes)


def by_quantile(targets: Array) -> Grouping:
    """Parts of about equal size by the target (N, …), an array by its mean; fewer where values repeat."""
    values = targets.reshape(len(targets), -1).astype(np.float64).mean(axis=1)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)[1:-1]))
    part = np.searchsorted(edges, values, side="left" if edges[0] < values.max() else "right")
    kept, codes = np.unique(part, return_inverse=True)
    names = []
    for number, which in enumerate(kept, 1):
        inside = values[part == which]
        names.append(f"part {number} of {len(kept)}, target {inside.min():.4g} to {inside.max():.4g}")
    what = "mean of the target" if targets.ndim > 1 else "target"
    return Grouping(f"quantiles of the {what}, since the dataset declares no groups", names, codes, by_target=True)


def folder_names(names: Iterable[str]) -> list[str]:
    """A folder name for each of these: nothing but letters, digits, `_`, `-` and inner dots, no two alike.

    A name that had to be changed, or that only differs by case from another one, carries a hash of the original.
    """
    found: list[str] = []
    seen: set[str] = set()
    for name in names:
        plain = name.replace(" ", "-")
        safe = re.sub(r"[^A-Za-z0-9._-]+", "_", plain)[:LONGEST].strip("._")
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
        if safe != plain or safe.partition(".")[0].lower() in TAKEN:
            safe = f"{safe}-{digest}"
        while not safe or safe.lower() in seen:
            safe = f"{safe}-{digest}".lstrip("-")
        seen.add(safe.lower())
        found.append(safe)
    return found
