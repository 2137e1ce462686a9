"""Pictures of the samples that a report shows, kept while the inputs are at hand: a report opens no split.

Kept are the mistakes and the right answers that matter to a reader, as the method saw them (after transforms), made
small. `diagnostics/pictures-SPLIT.npz` holds `ids` (n,) and `images` (n, H, W) or (n, H, W, 3) float32 in [0, 1].
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from receipts.bounds import read_whole
from receipts.data.items import Items
from receipts.data.sealed import Subset
from receipts.evaluation.losses import per_sample
from receipts.evaluation.predictions import Predictions
from receipts.refusal import Refusal
from receipts.runs.files import write_atomically

Array = np.ndarray[Any, Any]
KEPT = 48  # of each kind
SIDE = 64  # pixels of the longer side at most
MOST = 2**28  # bytes of a file, unpacked


def write(predictions: Predictions, subset: Subset, folder: Path) -> None:
    """Keep pictures of the worst predictions and of the least confident right ones; nothing of other inputs."""
    if predictions.targets is None or not isinstance(subset.inputs, np.ndarray | Items):
        return
    rows = chosen(predictions)
    inputs = subset.inputs.read(rows) if isinstance(subset.inputs, Items) else subset.inputs[rows]
    if isinstance(inputs, dict) or (images := as_images(np.asarray(inputs))) is None:
        return
    file = io.BytesIO()
    np.savez_compressed(file, ids=np.array([predictions.ids[row] for row in rows]), images=images)
    write_atomically(path(folder, subset.name), file.getvalue())


def path(folder: Path, split: str) -> Path:
    """Where a run keeps the pictures of a split."""
    return folder / "diagnostics" / f"pictures-{split}.npz"


def read(folder: Path, split: str) -> dict[str, Array]:
    """The kept pictures by sample id; none where the inputs are no images, or the run kept none."""
    if not (file := path(folder, split)).is_file():
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(read_whole(file))) as members:
            if (size := sum(member.file_size for member in members.infolist())) > MOST:
                raise ValueError(f"it unpacks to {size:,} bytes")
        with np.load(file, allow_pickle=False) as stored:
            found = dict(zip(map(str, stored["ids"].tolist()), stored["images"], strict=True))
        if not all(map(is_picture, found.values())):
            raise ValueError("they are not numbers in [0, 1]")
        return found
    except (OSError, LookupError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise Refusal(f"{file} holds no pictures", str(error), "delete it: only the pictures are lost") from error


def is_picture(image: Array) -> bool:
    """Whether an array can be drawn."""
    is_image = image.dtype.kind == "f" and (image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 3))
    return is_image and min(image.shape) > 0 and bool(((image >= 0) & (image <= 1)).all())


def chosen(predictions: Predictions) -> Array:
    """Row numbers, ascending: the worst, for classes the most confident mistakes and the least confident right ones."""
    if predictions.probabilities is None:
        return np.sort(np.argsort(-per_sample(predictions), kind="stable")[:KEPT])
    confidence = predictions.probabilities.max(axis=1)
    wrong = predictions.prediction != predictions.targets
    mistakes = np.flatnonzero(wrong)[np.argsort(-confidence[wrong], kind="stable")[:KEPT]]
    unsure = np.flatnonzero(~wrong)[np.argsort(confidence[~wrong], kind="stable")[:KEPT]]
    return np.sort(np.concatenate([mistakes, unsure]))


def as_images(inputs: Array) -> Array | None:
    """Inputs (n, H, W), (n, 1|3, H, W) or (n, H, W, 1|3) as small images in [0, 1]; None for anything else.

    One scale for all of them, so that a faint picture looks faint.
    """
    if inputs.ndim == 4 and inputs.shape[1] in (1, 3):
        inputs = np.moveaxis(inputs, 1, -1)
    if inputs.ndim == 4 and inputs.shape[-1] == 1:
        inputs = inputs[..., 0]
    is_image = inputs.ndim == 3 or (inputs.ndim == 4 and inputs.shape[-1] == 3)
    if not is_image or min(inputs.shape[1:3]) < 4 or inputs.dtype.kind not in "biuf":
        return None
    step = -(-max(inputs.shape[1:3]) // SIDE)
    small = inputs[:, ::step, ::step].astype(np.float32)
    low, high = small.min(), small.max()
    return np.asarray((small - low) / (high - low) if high > low else small * 0, dtype=np.float32)
