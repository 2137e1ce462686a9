"""Small predictions of each kind of task."""

import numpy as np

from receipts.config.schema import Task
from receipts.evaluation.predictions import Predictions, from_outputs

DIGITS = Task(kind="classification", classes=3, primary="accuracy")
BINARY = Task(kind="classification", classes=2, primary="accuracy")
VALUES = Task(kind="regression", primary="mae")


def ids(n: int) -> list[str]:
    return [f"s-{row}" for row in range(n)]


def classes(n: int = 4, **extra: object) -> Predictions:
    logits = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return from_outputs({"logits": logits, **extra}, ids(n), DIGITS, np.arange(n) % 3)


def same(one: Predictions, other: Predictions) -> None:
    assert (one.ids, one.entities, one.groups) == (other.ids, other.entities, other.groups)
    assert one.slices == other.slices
    arrays = [(one.targets, other.targets), (one.stated, other.stated), (one.prediction, other.prediction)]
    assert one.metadata.keys() == other.metadata.keys()
    for first, second in arrays + [(one.metadata[name], other.metadata[name]) for name in one.metadata]:
        if first is None:
            assert second is None
        else:
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)
