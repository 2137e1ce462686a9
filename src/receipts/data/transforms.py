"""Transforms, fitted on train rows only: they are handed nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, passed
from receipts.data import stored
from receipts.data.items import Items
from receipts.data.sealed import Inputs, SealedData, Subset, first_rows
from receipts.provenance.determinism import aside
from receipts.refusal import Refusal
from receipts.runs.record import Check

FEW, MORE = 8, 64
ROUNDED = 1e-3  # of the deviation: sums over more rows are added up in another order


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
        """Whether a few held-back rows come out the same twice, and whatever other rows are handed over with them."""
        name, steps = f"{subset.name}-steady", ", ".join(type(step).__name__ for step in self.steps)
        few, more = first(subset, FEW), first(subset, MORE)
        with aside(0):
            once, among = made(self.steps, few), made(self.steps, more)
        with aside(1):
            again = made(self.steps, few)
        if stored.content(once) != stored.content(again):
            return failed(name, f"{steps} made something else of the same {rows(few)} rows the second time")
        if far := apart(once, among):
            return failed(
                name,
                f"{steps} made something else of {rows(few)} rows alone than among {rows(more)}, {far:.2g} of their "
                "deviation apart: a statistic of what it is handed, not of train",
            )
        return passed(name, f"the transforms made the same of {rows(few)} rows twice, alone and among {rows(more)}")

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


def first(subset: Subset, n: int) -> Inputs:
    """The first n rows as they are before the transforms, or all where there are fewer."""
    inputs = subset.inputs
    if isinstance(inputs, Items):
        found: Inputs = inputs.read(range(min(len(subset), n)))
        return found
    return first_rows(inputs, n)


def made(steps: list[Any], inputs: Inputs) -> Inputs:
    """What a chain of steps makes of some inputs."""
    for step in steps:
        inputs = changed(step, inputs)
    return inputs


def apart(alone: Inputs, among: Inputs) -> float:
    """How far rows lie from what became of them among others, in units of their deviation; 0 where that is rounding."""
    if isinstance(alone, dict) and isinstance(among, dict):
        return max((apart(part, among[name]) for name, part in alone.items()), default=0.0)
    one, other = np.asarray(alone), np.asarray(among)[: rows(alone)]
    if one.shape != other.shape or one.dtype.kind not in "biuf":
        return 0.0  # padded to the longest of a batch, or no numbers
    far = np.abs(one.astype(np.float64) - other).max(initial=0.0) / max(float(one.std()), 1e-12)
    return float(far) if far > ROUNDED else 0.0


def changed(step: Any, inputs: Inputs) -> Inputs:
    """What a step makes of its inputs."""
    result: Inputs = step(inputs) if callable(step) else step.transform(inputs)
    return result


def rows(inputs: Inputs) -> int:
    """How many samples there are."""
    return len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(np.asarray(inputs))
