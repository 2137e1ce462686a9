"""Predictions: one row per sample, and the only thing a score is ever computed from.

Hashed into every record as part of the harness. Predictions that break a promise of the class below cannot be built,
neither from what a method returned nor from a file. Numbers are rounded to their stored type when they are taken in, so
a score is a pure function of the stored file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from receipts.evaluation.promises import (
    TOLERANCE,
    WAY_OUT,
    Array,
    check_count,
    check_finite,
    check_ids,
    check_labels,
    check_probabilities,
    check_shape,
    some,
)
from receipts.refusal import Refusal

if TYPE_CHECKING:
    from receipts.config.schema import Task

RETURNS = {  # what a method may return for each kind of task; an array without a name is the last one
    "classification": ("logits", "probabilities"),
    "ordinal": ("logits", "value", "probabilities"),
    "regression": ("value",),
}
CLASSES = ("classification", "ordinal")  # kinds whose targets are classes; those of `ordinal` are in order
SLICE = "slice:"  # begins the name of a column that says which part of a slicing a sample belongs to


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
            check_count(name, column, self.ids)
        check_ids(self.ids)
        check_finite("predictions", self.stated, self.ids)
        if self.probabilities is not None:
            assert self.probabilities.dtype == np.float32, "probabilities are rounded to the stored type"
            check_probabilities(self.probabilities, self.ids)
            if self.targets is not None:
                check_labels(self.targets, self.ids, self.probabilities.shape[1])
        elif self.targets is not None:
            assert self.targets.dtype == self.stated.dtype, "values have the type of the targets"
            check_finite("targets", self.targets, self.ids)
            check_shape(self.stated, self.targets)

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
    check_count("predictions", stated, ids)
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


def _wrong_width(stated: Array, classes: int | None) -> Refusal:
    what = f"the method returned shape {stated.shape}, not ({len(stated)}, {classes})"
    why = f"a task of {classes} classes needs one probability for each of them"
    fix = f"make the last layer {classes} wide and, in predict_step: return self(x).softmax(-1)"
    if classes == 2 and stated.size == len(stated):
        fix = "in predict_step: p = self(x).sigmoid().flatten(); return torch.stack([1 - p, p], -1)"
    return Refusal(what, why, fix)


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
            "; ".join(f"{len(names)} {what}: {some(names)}" for what, names in gaps.items() if names),
            "predict every sample of the split exactly once, under the ids of its manifest in splits/",
        )
