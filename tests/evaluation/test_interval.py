"""Intervals: worked examples, an independent implementation, coverage, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from receipts.config.schema import Task
from receipts.evaluation.interval import intervals, student, wilson
from receipts.evaluation.metrics import evaluate
from receipts.evaluation.predictions import Predictions, from_outputs

TASK = Task(kind="classification", classes=3, primary="accuracy", margin=0.03)


def predicted(n: int, task: Task = TASK, entities: list[str] | None = None, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    ids = [f"s-{row}" for row in range(n)]
    if task.kind == "regression":
        targets = rng.normal(size=n)
        return from_outputs(targets + rng.normal(size=n), ids, task, targets, entities)
    targets = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3)) + 2 * np.eye(3)[targets]
    return from_outputs({"logits": logits}, ids, task, targets, entities)


def test_wilson_by_hand() -> None:
    # p = .9, n = 10, z² = 3.8415: middle (.9 + .19207) / 1.38415, half 1.95996 √(.009 + .0096036) / 1.38415
    found = wilson(np.array([1.0] * 9 + [0.0]))
    assert (found.low, found.high) == (pytest.approx(0.5958, abs=1e-4), pytest.approx(0.9821, abs=1e-4))
    assert found.method == "Wilson, 10 samples"


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (3, 7), (323, 360), (1, 1)])
def test_wilson_agrees_with_scipy(right: int, n: int) -> None:
    theirs = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
    found = wilson(np.array([1.0] * right + [0.0] * (n - right)))
    assert (found.low, found.high) == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))


def test_a_mean_agrees_with_scipy_and_entities_of_one_change_nothing() -> None:
    each = np.random.default_rng(0).normal(size=40)
    theirs = stats.t.interval(0.95, 39, each.mean(), stats.sem(each))
    for units in (None, np.arange(40)):
        found = student(each, units)
        assert found is not None
        assert (found.low, found.high) == (pytest.approx(theirs[0]), pytest.approx(theirs[1]))


def test_copies_of_a_sample_are_one_unit() -> None:
    once = np.random.default_rng(0).normal(size=20)
    alone, four = student(once, None), student(np.repeat(once, 4), np.repeat(np.arange(20), 4))
    assert alone is not None
    assert four is not None
    assert (four.low, four.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert four.method == "Student t, 20 entities with 80 samples"


def test_what_does_not_vary_says_nothing_of_other_samples() -> None:
    assert student(np.full(9, 0.1), None) is None
    assert student(np.array([1.0]), None) is None
    assert student(np.arange(4.0), np.zeros(4, int)) is None


@pytest.mark.parametrize("kind", ["classification", "ordinal", "regression"])
def test_every_interval_holds_its_number(kind: str) -> None:
    task = Task(kind, None if kind == "regression" else 3, "r2" if kind == "regression" else "accuracy")
    task.primary = {"classification": "macro_f1", "ordinal": "qwk", "regression": "r2"}[kind]
    said = predicted(60, task)
    metrics, found = evaluate(said, task, second=False), intervals(said, task)
    assert task.primary in found
    for name, interval in found.items():
        assert metrics[name].value is not None
        assert interval.low < metrics[name].value < interval.high, name
    assert intervals(said, task) == found  # the resamples are seeded


def test_which_metrics_have_one() -> None:
    assert set(intervals(predicted(50), TASK)) == {"accuracy", "micro_f1", "nll", "brier"}
    for primary in ("auroc", "ece"):
        assert primary not in intervals(predicted(50), Task("classification", 3, primary))
    values = Task("regression", None, "mae")
    assert set(intervals(predicted(50, values), values)) == {"mae", "rmse"}


def test_samples_of_one_entity_are_not_independent() -> None:
    writers = [f"w-{row // 10}" for row in range(100)]
    found = intervals(predicted(100, entities=writers), TASK)["accuracy"]
    assert found.method == "Student t, 10 entities with 100 samples"
    task = Task("classification", 3, "macro_f1")
    assert "10 entities with 100 samples" in intervals(predicted(100, task, writers), task)["macro_f1"].method


def test_ninety_five_per_cent_hold_the_truth() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        found = student(rng.exponential(size=60), None)
        assert found is not None
        held += found.low <= 1 <= found.high
    assert 0.90 < held / 400 < 0.98
