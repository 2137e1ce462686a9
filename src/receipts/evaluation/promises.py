"""What every prediction promises: one finite row for each sample, probabilities that sum to one, labels that exist.

Hashed into every record as part of the harness. A broken promise is refused, with the first samples that break it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from receipts.refusal import Refusal

Array = NDArray[Any]
TOLERANCE = 1e-4  # how far a row of probabilities may be from 1 in sum, and a probability from [0, 1]
WAY_OUT = 'compute your own metric over the stored arrays: receipts.load(RUN).predictions("val")'


def check_labels(targets: Array, ids: Sequence[str], classes: int) -> Array:
    """Class labels as int64 (N,); refuses all but one integer in [0, classes) per sample and names the first ids."""
    labels = np.asarray(targets)
    if labels.shape != (len(ids),) or labels.dtype.kind not in "biuf":
        raise Refusal(
            f"targets of shape {labels.shape} and type {labels.dtype} are not the classes of {len(ids)} samples",
            "a classification task has one integer per sample; it knows no texts and no several labels at once",
            f"make the dataset's targets integers of shape ({len(ids)},), or {WAY_OUT}",
        )
    if (unknown := ~np.isin(labels, np.arange(classes))).any():
        found = [f"{ids[row]} has {labels[row]}" for row in np.flatnonzero(unknown).tolist()]
        raise Refusal(
            f"{len(found)} labels are outside 0…{classes - 1}: {some(found)}",
            f"labels run from {labels.min()} to {labels.max()}, and task.classes is {classes}",
            "number the classes from 0 in the dataset's targets, or correct task.classes",
        )
    return labels.astype(np.int64)


def check_ids(ids: Sequence[str]) -> None:
    """Refuse ids that stand twice."""
    if len(set(ids)) < len(ids):
        repeated = [name for name, times in Counter(ids).items() if times > 1]
        raise Refusal(
            f"{len(repeated)} ids stand more than once: {some(repeated)}",
            "every sample counts exactly once",
            "predict each sample once, and make the dataset's ids unique",
        )


def check_count(name: str, column: Array | Sequence[str] | None, ids: Sequence[str]) -> None:
    """Refuse no samples at all, and a column that has not one row for each."""
    if not ids:
        raise Refusal(
            "there are no samples", "nothing to predict, nothing to score", "look at the split's size in splits/"
        )
    if column is not None and len(column) != len(ids):
        raise Refusal(
            f"{name}: {len(column)} rows for {len(ids)} samples",
            "row and sample are matched by their order, so one too few shifts all that follow",
            "return one row per input from predict_step: the batch stays the first axis, nothing is dropped",
        )


def check_finite(name: str, array: Array, ids: Sequence[str]) -> None:
    """Refuse NaN and infinity, and name the first samples that hold them."""
    finite = np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
    if not finite.all():
        rows = np.flatnonzero(~finite).tolist()
        raise Refusal(
            f"{name} of {len(rows)} of {len(ids)} samples are NaN or infinite: {some([ids[row] for row in rows])}",
            "a score would be NaN, or would leave them out in silence",
            "look at these samples' inputs and at the loss in train.log; a lower learning rate is the usual cure",
        )


def check_probabilities(probabilities: Array, ids: Sequence[str]) -> None:
    """Refuse rows (N, K) that do not lie in [0, 1] or do not sum to one."""
    sums, low, high = probabilities.sum(axis=1, dtype=np.float64), probabilities.min(axis=1), probabilities.max(axis=1)
    wrong = (np.abs(sums - 1) > TOLERANCE) | (low < 0) | (high > 1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise Refusal(
            f"the method returned shape {probabilities.shape}, and {wrong.sum()} rows of it are not probabilities",
            f"{ids[row]} holds {low[row]:.4g} to {high[row]:.4g} and sums to {sums[row]:.6g}, not to 1 ± {TOLERANCE}",
            'if these are logits, in predict_step: return {"logits": self(x)}    (or: return self(x).softmax(-1))',
        )


def check_shape(value: Array, targets: Array) -> None:
    """Refuse values of another shape than the targets'."""
    if value.shape != targets.shape:
        reshape = f"return self(x).reshape({', '.join(map(str, (-1, *targets.shape[1:])))})"
        width = "" if value.size == targets.size else f"make the last layer {targets[0].size} wide; "
        raise Refusal(
            f"the method returned shape {value.shape}, the targets have {targets.shape}",
            "arrays of two shapes are spread over one another, and all pairs but a few are wrong",
            f"{width}in predict_step: {reshape}",
        )


def some(names: Sequence[str], shown: int = 4) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
