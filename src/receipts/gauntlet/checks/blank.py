"""Inputs that say nothing: whatever the method still knows of val, it knows from elsewhere."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from receipts.data.items import Items
from receipts.data.sealed import Subset
from receipts.gauntlet import cost, information, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.checks.labels import against
from receipts.gauntlet.subjects import Subject


@dataclass(frozen=True)
class BlankItems(Items):
    """Samples that are read, collated and transformed as ever, and then wiped."""

    def read(self, positions: Any) -> Any:
        """A batch of zeros in the shape of the real one."""
        return zeros(super().read(positions))


def zeros(inputs: Any) -> Any:
    """Zeros of the same shape and type."""
    return {name: np.zeros_like(part) for name, part in inputs.items()} if isinstance(inputs, dict) else wiped(inputs)


def wiped(part: Any) -> Any:
    """One array, wiped."""
    return np.zeros_like(np.asarray(part))


def blank(subset: Subset) -> Subset:
    """A split whose inputs are zeros after every transform; labels and ids stay."""
    inputs = subset.inputs
    if isinstance(inputs, Items):
        return replace(subset, inputs=BlankItems(inputs.dataset, inputs.rows, inputs.steps))
    return replace(subset, inputs=zeros(inputs))


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Train and predict on blank inputs under the caps of `fast`."""
    made = trial.opened(subject.run, trial.fast)
    if not trial.has_rows(made.train):
        return undone("the DataModule keeps its rows to itself")
    train, val = blank(made.train), blank(made.val)
    found = information.information(trial.answers(trial.fitted(made.config, train, val), val, made.config))
    if found is None:
        return undone("all labels of val are the same")
    told = f"trained and scored on blank inputs: information in val {found}"
    return passed(told) if found.is_chance else failed(told)


CHECK = Check(
    "inputs-blanked",
    "With inputs that say nothing the method knows nothing of val.",
    "the method answers by something that is no input: the order of rows, a file, a count of its calls",
    judge,
    against,
    cost.quick(1),
)
