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

FEW = 8


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


def rows(inputs: Inputs) -> int:
    """How many samples there are."""
    return len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(np.asarray(inputs))
