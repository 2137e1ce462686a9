"""The golden batch: the first train rows after transforms, remembered so that a change of code or library shows."""

import math
from typing import Any

import msgspec
import numpy as np

from receipts.config.build import build
from receipts.config.compose import DataPlan
from receipts.data import stored
from receipts.data.items import Items
from receipts.data.manifest import Golden, Manifest
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import SealedData, first_rows
from receipts.data.transforms import Transforms

Array = np.ndarray[Any, Any]

ROWS = 8


def golden(manifest: Manifest, dataset: Any, plan: DataPlan) -> Manifest:
    """The manifest with the golden batch of its train split, under the data file's own transforms."""
    data = SealedData(dataset, manifest, ("train",), None)
    transforms = Transforms([build(spec, "transforms") for spec in plan.transforms]).fit(data)
    seen = told(batch(transforms.apply(data.subset("train")).inputs), plan.transforms)
    return msgspec.structs.replace(manifest, golden=seen)


def batch(inputs: Any) -> Any:
    """The first rows of a split; None of a loader that cannot be asked for them."""
    if isinstance(inputs, OwnLoader):
        return inputs.first(ROWS)
    return inputs.read(range(min(ROWS, len(inputs)))) if isinstance(inputs, Items) else first_rows(inputs, ROWS)


def told(found: Any, transforms: list[dict[str, Any]]) -> Golden | None:
    """A batch in a few facts; None where it holds no numbers, or such as have no mean."""
    parts = [np.asarray(found[key]) for key in sorted(found)] if isinstance(found, dict) else [np.asarray(found)]
    if any(part.dtype.kind not in "biuf" for part in parts):
        return None
    values = np.concatenate([part.ravel().astype(np.float64) for part in parts])
    content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    shape = [int(size) for size in parts[0].shape]
    with np.errstate(all="ignore"):
        mean, deviation = (float(f"{moment:.6g}") for moment in (values.mean(), values.std()))
    if not math.isfinite(mean + deviation):  # which no manifest can hold
        return None
    return Golden(transforms, f"{stored.digest(content):016x}", shape, mean, deviation)
