"""Transforms, fitted on train rows only: they are handed nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.data import stored
from receipts.data.items import Items
from receipts.data.sealed import Inputs, SealedData, Subset, first_rows
from receipts.provenance.determinism import aside
from receipts.refusal import Refusal
from receipts.runs.record import Check

FEW, MORE = 8, 64
CLOSE = 1e-3  # of the largest value; what a product of matrices of another size may differ by is far below


class Transforms:
    """A chain of objects with `__call__(x)` (or scikit-learn's `transform`) and, where they learn, `fit(x, y)`."""

    def __init__(self, steps: list[Any]) -> None:
        for step in steps:
            if not callable(step) and not hasattr(step, "transform"):
                raise Refusal(
                    f"{type(step).__name__} is no transform", "it cannot be called with x", "give it __call__(self, x)"
                )
        self.steps = steps

    def learnt_from(self, train: Subset) -> Inputs:
        """The train rows, read whole if a step wants to see them and their dataset gives them one at a time."""
        inputs: Inputs | Items = train.inputs
        if not isinstance(inputs, Items):
            return inputs
        wanted = any(hasattr(step, "fit") for step in self.steps)
        found: Inputs = inputs.all() if wanted else inputs.read(range(1))
        return found

    def fit(self, data: SealedData) -> "Transforms":
        """Fit each step in turn on the train rows, as the steps before it leave them."""
        if self.steps:
            train = data.subset("train")
            inputs = self.learnt_from(train)
            for step in self.steps:
                if hasattr(step, "fit"):
                    step.fit(inputs, train.targets)
                inputs = changed(step, inputs)
        return self

    def steady(self, subset: Subset) -> Check:
        """Whether a few held-back rows come out the same twice: what draws is an augmentation."""
        few = range(min(len(subset), FEW))
        inputs = subset.inputs.read(few) if isinstance(subset.inputs, Items) else first_rows(subset.inputs, FEW)
        name = f"{subset.name}-steady"
        if content_of(self.steps, inputs, 0) != content_of(self.steps, inputs, 1):
            steps = ", ".join(type(step).__name__ for step in self.steps)
            return failed(name, f"{steps} made something else of the same {len(few)} rows the second time")
        return passed(name, f"the transforms made the same of {len(few)} rows twice")

    def rowwise(self, raw: Subset, whole: Subset) -> Check:
        """Whether a few held-back rows, transformed by themselves, are those rows of the transformed split."""
        name, few = f"{raw.name}-transformed-by-row", min(len(raw), FEW)
        if isinstance(whole.inputs, Items):
            alone, among = whole.inputs.read(range(few)), first_rows(whole.inputs.read(range(min(len(raw), MORE))), few)
        else:
            with aside(0):
                alone, among = first_rows(raw.inputs, few), first_rows(whole.inputs, few)
                for step in self.steps:
                    alone = changed(step, alone)
        gap = distance(alone, among)
        if gap is None or len(raw) == few:
            return not_applicable(name, "rows come in a shape that goes with their number, or there are few")
        said = f"{few} rows by themselves and among the others differ by {gap:.1e} of the largest value"
        return failed(name, said) if gap > CLOSE else passed(name, said)

    def apply(self, subset: Subset) -> Subset:
        """A split with transformed inputs, one row out for every row in; `Items` go through them batch by batch."""
        inputs = subset.inputs
        if isinstance(inputs, Items):
            return replace(subset, inputs=replace(inputs, steps=tuple(self.steps)))
        for step in self.steps:
            inputs = changed(step, inputs)
            if rows(inputs) != len(subset):
                raise Refusal(
                    f"{type(step).__name__} made {rows(inputs)} rows of {len(subset)}",
                    "a transform changes samples, not how many there are",
                    "drop or repeat rows when the data are derived, before the split",
                )
        return replace(subset, inputs=inputs)


def content_of(steps: list[Any], inputs: Any, seed: int) -> bytes:
    """The bytes that a chain of steps makes of some inputs, global generators seeded anew."""
    with aside(seed):
        for step in steps:
            inputs = changed(step, inputs)
        return stored.content(inputs)


def changed(step: Any, inputs: Inputs) -> Inputs:
    """What a step makes of its inputs."""
    result: Inputs = step(inputs) if callable(step) else step.transform(inputs)
    return result


def distance(one: Any, other: Any) -> float | None:
    """How far inputs are apart, relative to the largest value; None where shapes differ, or they are no numbers."""
    pairs = [(one[key], other[key]) for key in other] if isinstance(other, dict) else [(one, other)]
    found = 0.0
    for a, b in ((np.asarray(a), np.asarray(b)) for a, b in pairs):
        if a.shape != b.shape or b.dtype.kind not in "biuf":
            return None
        gap = float(np.nanmax(np.abs(a.astype(np.float64) - b.astype(np.float64)), initial=0.0))
        found = max(found, gap / max(float(np.nanmax(np.abs(b.astype(np.float64)), initial=0.0)), 1e-12))
    return found


def rows(inputs: Inputs) -> int:
    """How many samples there are."""
    return len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(np.asarray(inputs))
