"""Predictions: one row per sample, and the only thing a score is ever computed from.

One of the three files whose hash stands in every record. Predictions that break a promise of the class below
cannot be built, neither from what a method returned nor from a file. Numbers are rounded to their stored type
when they are taken in, so a score is a pure function of the stored file.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from receipts.refusal import Refusal

if TYPE_CHECKING:
    from receipts.config.schema import Task

Array = NDArray[Any]
TOLERANCE = 1e-4  # how far a row of probabilities may be from 1 in sum, and a probability from [0, 1]
RETURNS = {  # what a method may return for each kind of task; an array without a name is the last one
    "classification": ("logits", "probabilities"),
    "ordinal": ("logits", "value", "probabilities"),
    "regression": ("value",),
}
CLASSES = ("classification", "ordinal")  # kinds whose targets are classes; those of `ordinal` are in order
WAY_OUT = 'compute your own metric over the stored arrays: receipts.load(RUN).predictions("val")'
SLICE = "slice:"  # begins the name of a column that says which part of a slicing a sample belongs to
FORMAT, SCHEMA = b"receipts.predictions", 1  # the Parquet key under which the schema and the shapes stand


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a method says about N samples and, unless they are unlabelled, what is true.

    Classes: `probabilities` (N, K) float32 and `targets` (N,) int64 in [0, K). Values: `value` and `targets` of one
    shape (N, *target) and one type, in the target's unit; ordered classes may be answered by values, too.
    `metadata`: what else the method returned, (N, …) each. `slices`: the part of each slicing a sample belongs to.
    Refuses no rows, repeated ids, unequal lengths, NaN and infinity, rows that do not sum to one, unknown labels.
    """

    ids: list[str]
    targets: Array | None
    probabilities: Array | None = None
    value: Array | None = None
    entities: list[str] | None = None
    groups: list[str] | None = None
    metadata: dict[str, Array] = field(default_factory=dict)
    slices: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert (self.probabilities is None) != (self.value is None), "either probabilities or values"
        columns = {"targets": self.targets, "entities": self.entities, "groups": self.groups, **self.metadata}
        columns |= {f"{SLICE}{name}": column for name, column in self.slices.items()}
        for name, column in {"predictions": self.stated, **columns}.items():
            _check_count(name, column, self.ids)
        _check_ids(self.ids)
        _check_finite("predictions", self.stated, self.ids)
        if self.probabilities is not None:
            assert self.probabilities.dtype == np.float32, "probabilities are rounded to the stored type"
            _check_probabilities(self.probabilities, self.ids)
            if self.targets is not None:
                check_labels(self.targets, self.ids, self.probabilities.shape[1])
        elif self.targets is not None:
            assert self.targets.dtype == self.stated.dtype, "values have the type of the targets"
            _check_finite("targets", self.targets, self.ids)
            _check_shape(self.stated, self.targets)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def stated(self) -> Array:
        """The method's own numbers: probabilities (N, K) or values (N, *target)."""
        stated = self.value if self.probabilities is None else self.probabilities
        assert stated is not None
        return stated

    @cached_property
    def prediction(self) -> Array:
        """The most probable class (N,), of equally probable ones the lowest; or the values themselves."""
        return self.stated if self.probabilities is None else self.probabilities.argmax(axis=1)


def from_outputs(
    outputs: Array | Mapping[str, Array],
    ids: Sequence[str],
    task: "Task",
    targets: Array | None,
    entities: Sequence[object] | None = None,
    groups: Sequence[object] | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> Predictions:
    """What a method's predict calls returned, joined to one array per name in the order of `ids`, as predictions.

    `outputs`: probabilities (N, classes) or values (N, *target), or a mapping that names one of `logits`,
    `probabilities`, `value`; its further entries become metadata. `targets` are the dataset's own, raw.
    """
    if task.kind not in RETURNS:
        raise unknown_kind(task.kind)
    name, stated, extra = _unpack(outputs, task.kind)
    _check_count("predictions", stated, ids)
    rows: dict[str, Any] = {
        "ids": list(ids),
        "entities": None if entities is None else [str(entity) for entity in entities],
        "groups": None if groups is None else [str(group) for group in groups],
        "slices": {key: list(parts) for key, parts in (slices or {}).items()},
        "metadata": {key: _metadata(key, array) for key, array in extra.items()},
    }
    if name == "value":
        if targets is not None and task.kind in CLASSES:
            check_labels(targets, ids, task.classes or 0)
        return Predictions(**rows, **_values(stated, targets))
    if stated.shape[1:] != (task.classes,):
        raise _wrong_width(stated, task.classes)
    labels = None if targets is None else check_labels(targets, ids, stated.shape[1])
    probabilities = _softmax(stated) if name == "logits" else stated
    return Predictions(**rows, probabilities=_as_stored(probabilities), targets=labels)


def unknown_kind(kind: str) -> Refusal:
    """The refusal of a task that nothing here can score."""
    return Refusal(
        f"no metric is defined for a task of kind {kind!r}",
        f"this harness scores {', '.join(RETURNS)}; a number for anything else would be a guess",
        f"choose one of them in conf/data/, or {WAY_OUT}",
    )


def _unpack(outputs: Array | Mapping[str, Array], kind: str) -> tuple[str, Array, dict[str, Array]]:
    """Which of the returned arrays is the prediction, under which name, and what else there is."""
    named = dict(outputs) if isinstance(outputs, Mapping) else {RETURNS[kind][-1]: outputs}
    found = [name for name in named if any(name in names for names in RETURNS.values())]
    if len(found) != 1 or found[0] not in RETURNS[kind]:
        raise Refusal(
            f"the method returned a dict of {', '.join(named) or 'nothing'}",
            f"for {kind} exactly one entry is named {' or '.join(RETURNS[kind])}; further ones become metadata",
            f'in predict_step: return {{"{RETURNS[kind][0]}": self(x)}}',
        )
    stated = np.atleast_1d(named.pop(found[0]))
    if stated.dtype.kind not in "biuf":
        raise Refusal(f"the method returned {stated.dtype}", "predictions are real numbers", "return numbers")
    return found[0], stated, named


def _metadata(name: str, array: Array) -> Array:
    """A further array as it can be stored: numbers as they are, texts as objects of type str."""
    array = np.atleast_1d(array)
    array = array.astype(object) if array.dtype.kind == "U" else array
    if array.dtype.kind in "biuf" or (array.dtype == object and all(isinstance(text, str) for text in array.flat)):
        return array
    raise Refusal(f"{name!r} holds {array.dtype}", "only numbers and texts can be stored", f"do not return {name!r}")


def _softmax(logits: Array) -> Array:
    """Probabilities (N, K) of logits (N, K), in float64."""
    with np.errstate(invalid="ignore"):  # a row without a finite maximum becomes NaN, which the class refuses
        powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _as_stored(probabilities: Array) -> Array:
    """Probabilities as float32; what lies outside [0, 1] by a rounding error is cut."""
    with np.errstate(over="ignore"):
        stored = probabilities.astype(np.float32)
    return np.where((stored >= -TOLERANCE) & (stored <= 1 + TOLERANCE), stored.clip(0, 1), stored)


def _values(stated: Array, targets: Array | None) -> dict[str, Any]:
    """Values and targets in one type: float64 where the raw targets are that or wide integers, float32 otherwise."""
    raw = stated if targets is None else np.asarray(targets)
    if raw.dtype.kind not in "biuf":
        raise Refusal(f"the targets are {raw.dtype}", "a regression task has real targets", "make them numbers")
    stored = np.float32 if np.result_type(raw, np.float32) == np.float32 else np.float64
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which the class refuses
        return {"value": stated.astype(stored), "targets": None if targets is None else raw.astype(stored)}


def check_complete(predictions: Predictions, expected_ids: Iterable[str]) -> None:
    """Refuse unless each expected id has exactly one prediction and no other id has one."""
    wanted = list(expected_ids)
    if wanted == predictions.ids:
        return  # no id stands twice in predictions
    expected, seen = Counter(wanted), set(predictions.ids)
    gaps = {
        "missing": [name for name in expected if name not in seen],
        "not of this split": [name for name in predictions.ids if name not in expected],
        "expected more than once": [name for name, times in expected.items() if times > 1],
    }
    if any(gaps.values()):
        raise Refusal(
            f"{len(seen)} predictions are not one for each of the {len(expected)} samples",
            "; ".join(f"{len(names)} {what}: {_some(names)}" for what, names in gaps.items() if names),
            "predict every sample of the split exactly once, under the ids of its manifest in splits/",
        )


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
            f"{len(found)} labels are outside 0…{classes - 1}: {_some(found)}",
            f"labels run from {labels.min()} to {labels.max()}, and task.classes is {classes}",
            "number the classes from 0 in the dataset's targets, or correct task.classes",
        )
    return labels.astype(np.int64)


def _check_ids(ids: Sequence[str]) -> None:
    if len(set(ids)) < len(ids):
        repeated = [name for name, times in Counter(ids).items() if times > 1]
        raise Refusal(
            f"{len(repeated)} ids stand more than once: {_some(repeated)}",
            "every sample counts exactly once",
            "predict each sample once, and make the dataset's ids unique",
        )


def _check_count(name: str, column: Array | Sequence[str] | None, ids: Sequence[str]) -> None:
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


def _check_finite(name: str, array: Array, ids: Sequence[str]) -> None:
    finite = np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
    if not finite.all():
        rows = np.flatnonzero(~finite).tolist()
        raise Refusal(
            f"{name} of {len(rows)} of {len(ids)} samples are NaN or infinite: {_some([ids[row] for row in rows])}",
            "a score would be NaN, or would leave them out in silence",
            "look at these samples' inputs and at the loss in train.log; a lower learning rate is the usual cure",
        )


def _check_probabilities(probabilities: Array, ids: Sequence[str]) -> None:
    sums, low, high = probabilities.sum(axis=1, dtype=np.float64), probabilities.min(axis=1), probabilities.max(axis=1)
    wrong = (np.abs(sums - 1) > TOLERANCE) | (low < 0) | (high > 1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise Refusal(
            f"the method returned shape {probabilities.shape}, and {wrong.sum()} rows of it are not probabilities",
            f"{ids[row]} holds {low[row]:.4g} to {high[row]:.4g} and sums to {sums[row]:.6g}, not to 1 ± {TOLERANCE}",
            'if these are logits, in predict_step: return {"logits": self(x)}    (or: return self(x).softmax(-1))',
        )


def _wrong_width(stated: Array, classes: int | None) -> Refusal:
    what = f"the method returned shape {stated.shape}, not ({len(stated)}, {classes})"
    why = f"a task of {classes} classes needs one probability for each of them"
    fix = f"make the last layer {classes} wide and, in predict_step: return self(x).softmax(-1)"
    if classes == 2 and stated.size == len(stated):
        fix = "in predict_step: p = self(x).sigmoid().flatten(); return torch.stack([1 - p, p], -1)"
    return Refusal(what, why, fix)


def _check_shape(value: Array, targets: Array) -> None:
    if value.shape != targets.shape:
        reshape = f"return self(x).reshape({', '.join(map(str, (-1, *targets.shape[1:])))})"
        width = "" if value.size == targets.size else f"make the last layer {targets[0].size} wide; "
        raise Refusal(
            f"the method returned shape {value.shape}, the targets have {targets.shape}",
            "arrays of two shapes are spread over one another, and all pairs but a few are wrong",
            f"{width}in predict_step: {reshape}",
        )


def _some(names: Sequence[str], shown: int = 4) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def write(predictions: Predictions, path: Path) -> str:
    """Store predictions as Parquet, whole or not at all, the same bytes for the same content; returns their SHA-256.

    Columns: `sample_id, entity_id?, group?, slice:<name>…, target?, prediction, probabilities | value, metadata?`; a
    value is its own prediction and stored once. Arrays are fixed-size lists, their shapes stand in the metadata.
    """
    from pyarrow import parquet

    table, draft = _to_table(predictions), path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            parquet.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> Predictions:
    """The predictions of a stored file; refuses one that is cut, altered or of another make."""
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            return _from_table(file.read())
    except (ArrowException, OSError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise Refusal(
            f"{path} is not a readable predictions file",
            f"{type(error).__name__}: {error}",
            "restore it from MLflow or a backup, or predict again: python eval.py run_id=RUN",
        ) from error


def _to_table(predictions: Predictions) -> Any:
    import pyarrow as pa

    labels = None if predictions.probabilities is None else predictions.prediction
    arrays = {"target": predictions.targets, "prediction": labels}
    arrays |= {"probabilities": predictions.probabilities, "value": predictions.value}
    texts = {"sample_id": predictions.ids, "entity_id": predictions.entities, "group": predictions.groups}
    texts |= {f"{SLICE}{name}": parts for name, parts in predictions.slices.items()}
    columns = {name: pa.array(column, pa.string()) for name, column in texts.items() if column is not None}
    columns |= {name: _to_arrow(array) for name, array in arrays.items() if array is not None}
    if extra := predictions.metadata:
        columns["metadata"] = pa.StructArray.from_arrays(list(map(_to_arrow, extra.values())), names=list(extra))
    shapes = {name: array.shape[1:] for name, array in arrays.items() if array is not None}
    header = {"schema": SCHEMA, "shapes": shapes, "metadata": {name: extra[name].shape[1:] for name in extra}}
    return pa.table(columns).replace_schema_metadata({FORMAT: json.dumps(header)})


def _from_table(table: Any) -> Predictions:
    header = json.loads(table.schema.metadata[FORMAT])
    if header["schema"] != SCHEMA:
        raise ValueError(f"its schema is {header['schema']}, this core reads {SCHEMA}")
    texts = {
        name: table[name].to_pylist()
        for name in table.column_names
        if name in ("sample_id", "entity_id", "group") or name.startswith(SLICE)
    }
    arrays = {name: _from_arrow(table[name], shape) for name, shape in header["shapes"].items()}
    extra: Any = table["metadata"].combine_chunks() if header["metadata"] else None
    predictions = Predictions(
        texts["sample_id"],
        arrays.get("target"),
        arrays.get("probabilities"),
        arrays.get("value"),
        texts.get("entity_id"),
        texts.get("group"),
        {name: _from_arrow(extra.field(name), shape) for name, shape in header["metadata"].items()},
        {name.removeprefix(SLICE): column for name, column in texts.items() if name.startswith(SLICE)},
    )
    if not np.array_equal(arrays.get("prediction", predictions.prediction), predictions.prediction):
        raise ValueError("its column `prediction` is not the most probable class")
    return predictions


def _to_arrow(array: Array) -> Any:
    """(N, *shape) as a column of N scalars or N fixed-size lists."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(array).reshape(-1))
    return flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:])))


def _from_arrow(column: Any, shape: Sequence[int]) -> Array:
    from pyarrow import types

    flat = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    if column.null_count:
        raise ValueError(f"{column.null_count} cells are empty")
    flat = flat.flatten() if shape else flat
    if types.is_integer(flat.type) or types.is_floating(flat.type):  # to_numpy would import pandas: a quarter second
        return np.from_dlpack(flat).reshape(-1, *shape)
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(-1, *shape)
