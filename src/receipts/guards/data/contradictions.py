"""Equal samples with unlike labels: found by the hashes of the manifest, so that no held-back row is opened."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, not_run, passed
from receipts.config.schema import Task
from receipts.data import stored
from receipts.data.manifest import Manifest
from receipts.guards.data.looking import Looked, has_classes
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

NAME = "labels-contradict"
MANY, FEWEST = 0.01, 5  # share of all rows, and how many, that hard cases and slips of a hand do not reach


def audit(manifest: Manifest, looked: Looked | None, task: Task) -> Iterator[Check]:
    """Whether rows that are equal in x differ in y; a value that was measured twice may, and so may coarse rows."""
    if not has_classes(task):
        yield not_applicable(NAME, "labels are no classes")
    elif manifest.facts is None:
        yield of_rows(looked)
    elif any(each.by_accident >= 1 for each in manifest.facts.copies or []):
        yield not_applicable(NAME, "samples tell so few values apart that unlike ones are equal")
    else:
        kept = stored.read(manifest)
        yield verdict(codes(kept["x"]), codes(kept["y"]), "of all splits")


def of_rows(looked: Looked | None) -> Check:
    """The same, of the rows of train and val that loaders gave."""
    if looked is None or looked.train.hashes is None or looked.val.hashes is None or looked.train.labels.ndim > 1:
        return not_run(NAME, "the loaders' rows cannot be read one by one")
    x = np.concatenate([looked.train.hashes, looked.val.hashes])
    return verdict(codes(x), codes(np.concatenate([looked.train.labels, looked.val.labels])), "of train and val")


def codes(values: Array) -> Array:
    """A number for each distinct value or row of bytes."""
    return np.asarray(np.unique(values, axis=0 if values.ndim > 1 else None, return_inverse=True)[1].reshape(-1))


def verdict(x: Array, y: Array, where: str) -> Check:
    """How many rows have a row equal to them that is labelled otherwise."""
    low, high = np.full(x.max() + 1, y.max() + 1), np.full(x.max() + 1, -1)
    np.minimum.at(low, x, y)
    np.maximum.at(high, x, y)
    at = np.flatnonzero((low != high)[x])
    seen = f"{len(at)} of {len(x)} rows {where} equal another one that is labelled otherwise"
    if len(at) >= max(FEWEST, MANY * len(x)):
        return failed(NAME, f"{seen}: rows {', '.join(str(row) for row in at[:6])} of the dataset, for example")
    return passed(NAME, seen)
