"""Checks of a score: what numbers must not be believed, and which are only small, easy or imbalanced."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from records import made
from sklearn import datasets
from sklearn.linear_model import LogisticRegression

from receipts.config.schema import Config, Facts, Task
from receipts.evaluation.audit import lineage
from receipts.evaluation.interval import intervals
from receipts.evaluation.metrics import evaluate
from receipts.evaluation.predictions import Predictions
from receipts.guards.after import audit, easy, skill
from receipts.runs.record import Check, Checkpoint, Score

DIGITS = datasets.load_digits()


def score(predictions: Predictions, task: Task) -> Score:
    metrics = evaluate(predictions, task, second=False)
    found = intervals(predictions, task)
    return Score("val", len(predictions), "f", "s", "h", "2026-11-20T13:37:30Z", metrics, intervals=found)


def failing(predictions: Predictions, task: Task, monkeypatch: pytest.MonkeyPatch, **facts: Any) -> set[str]:
    monkeypatch.setattr(easy, "simple_skill", lambda record: facts.get("simple"))
    config = Config(task=task, facts=Facts(ceiling=facts.get("ceiling"), chance=facts.get("chance")))
    record = made(primary=task.primary, rung=facts.get("rung"))
    checks: list[Check] = audit.examine(record, score(predictions, task), predictions, config)
    return {check.code.removeprefix("val-") for check in checks if check.verdict == "fail"}


def classes(k: int, primary: str = "accuracy") -> Task:
    return Task(kind="classification", classes=k, primary=primary)


def probable(labels: Any, given: Any, k: int, sure: float = 0.9) -> Predictions:
    p = np.full((len(labels), k), (1 - sure) / (k - 1), dtype=np.float32)
    p[np.arange(len(labels)), given] = sure
    return Predictions([f"s{row}" for row in range(len(labels))], np.asarray(labels, np.int64), probabilities=p)


LABELS = DIGITS.target[:360].astype(np.int64)
RNG = np.random.default_rng(0)


def test_a_method_that_learnt_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LogisticRegression(max_iter=300).fit(DIGITS.data[400:] / 16, DIGITS.target[400:])
    p = model.predict_proba(DIGITS.data[:360] / 16).astype(np.float32)
    predictions = Predictions([f"s{row}" for row in range(360)], LABELS, probabilities=p)
    assert failing(predictions, classes(10), monkeypatch) == set()


def test_labels_that_were_shifted_are_worse_than_guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failing(probable(LABELS, (LABELS + 1) % 10, 10), classes(10), monkeypatch) == {
        "above-chance",
        "beats-the-floor",
    }


def test_labels_that_were_shuffled_do_not_beat_the_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    caught = [
        failing(probable(LABELS, np.random.default_rng(seed).permutation(LABELS), 10), classes(10), monkeypatch)
        for seed in range(20)
    ]
    assert sum("beats-the-floor" in each for each in caught) >= 18  # at 95 %, one in forty gets away with luck


def test_one_prediction_for_all_is_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    constant = probable(LABELS, np.zeros(360, int), 10)
    assert "predictions-vary" in failing(constant, classes(10), monkeypatch)
    assert failing(constant, classes(10), monkeypatch, rung="floor") == set()


@pytest.mark.parametrize("n", [20, 60])
def test_small_splits_cannot_tell(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = (np.arange(n) % 5 < 3).astype(np.int64)
    given = np.where(RNG.random(n) < 0.68, labels, 1 - labels)
    assert failing(probable(labels, given, 2, 0.6), classes(2), monkeypatch) == set()


def test_rare_classes_that_are_ranked_and_never_given_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = (np.arange(4000) % 20 == 0).astype(np.int64)
    risk = np.clip(0.05 + 0.1 * labels + RNG.normal(0, 0.05, 4000), 0.001, 0.45)
    p = np.column_stack([1 - risk, risk]).astype(np.float32)
    predictions = Predictions([f"s{row}" for row in range(4000)], labels, probabilities=p)
    for primary in ("accuracy", "auroc", "nll", "balanced_accuracy"):
        assert failing(predictions, classes(2, primary), monkeypatch) == set()


def values(truth: Any, stated: Any) -> Predictions:
    ids = [f"s{row}" for row in range(len(truth))]
    return Predictions(ids, np.asarray(truth, np.float32), value=np.asarray(stated, np.float32))


@pytest.mark.parametrize("primary", ["mae", "rmse", "r2", "spearman"])
def test_values_are_judged_by_the_mean_and_by_correlation(primary: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(kind="regression", primary=primary)
    truth = datasets.load_diabetes().target
    good = truth + RNG.normal(0, 60, len(truth))
    assert failing(values(truth, good), task, monkeypatch) == set()
    assert "above-chance" in failing(values(truth, 300 - good), task, monkeypatch)
    assert failing(values(truth, RNG.permutation(truth)), task, monkeypatch) == {"beats-the-floor"}
    assert "predictions-vary" in failing(values(truth, np.full(len(truth), 3.0)), task, monkeypatch)
    small = truth / 100  # a rank asks for no scale
    assert failing(values(truth, small), task, monkeypatch) == (set() if primary == "spearman" else {"in-other-units"})


def test_a_negative_loss_and_maps_are_numbers_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = DIGITS.images[:200].astype(np.float32)
    assert (
        failing(values(maps, maps + RNG.normal(0, 1, maps.shape)), Task(kind="regression", primary="mae"), monkeypatch)
        == set()
    )


def test_scores_that_are_too_good(monkeypatch: pytest.MonkeyPatch) -> None:
    perfect = probable(LABELS, LABELS, 10)
    assert failing(perfect, classes(10), monkeypatch, simple=0.5) == {"too-good"}
    assert failing(perfect, classes(10), monkeypatch, simple=0.97) == set()
    assert failing(probable(LABELS[:30], LABELS[:30], 10), classes(10), monkeypatch, simple=0.5) == set()
    nearly = LABELS.copy()
    nearly[:4] = (nearly[:4] + 1) % 10  # 99 %
    assert failing(probable(LABELS, nearly, 10), classes(10), monkeypatch, simple=0.5) == set()
    assert failing(probable(LABELS, nearly, 10), classes(10), monkeypatch, ceiling=0.95) == {"too-good"}
    assert failing(probable(LABELS, nearly, 10), classes(10), monkeypatch, ceiling=0.995) == set()


def test_performance_is_not_judged_under_a_limit() -> None:
    predictions = probable(LABELS, (LABELS + 1) % 10, 10)
    config = Config(task=classes(10))
    checks = audit.examine(made(limit={"rows": 200}), score(predictions, config.task), predictions, config)
    assert {check.verdict for check in checks} == {"not applicable"}
    assert {check.code for check in checks} == {f"val-{name}" for name in audit.PERFORMANCE}


def test_a_declared_chance_level_is_the_floor() -> None:
    predictions = probable(LABELS, LABELS, 10)
    assert skill.floor_of(predictions, Config(task=classes(10), facts=Facts(chance=0.5))) == 0.5
    assert skill.floor_of(predictions, Config(task=classes(10))) == pytest.approx(np.bincount(LABELS).max() / 360)


def test_values_in_another_unit_than_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = datasets.load_diabetes().target.astype(np.float32)
    honest = truth.mean() + 0.5 * (truth - truth.mean()) + RNG.normal(0, 30, 442).astype(np.float32)
    task = Task(kind="regression", primary="rmse")

    def said(value: Any, task: Task = task) -> set[str]:
        found = Predictions([f"s{row}" for row in range(442)], truth, value=value.astype(np.float32))
        return failing(found, task, monkeypatch)

    assert said(honest) == set()
    assert "in-other-units" in said((honest - 150) / 77)
    assert "in-other-units" in said(np.log(honest + 200))
    assert "in-other-units" in said(honest * 1000)
    assert "in-other-units" in said(honest - 150), "the mean was never put back"
    assert "in-other-units" not in said((honest - 150) / 77, Task(kind="regression", primary="spearman"))
    assert "in-other-units" not in said(truth.mean() + 0.02 * (honest - honest.mean())), "learnt little, in its unit"
    assert "in-other-units" not in said(RNG.normal(0, 1, 442)), "knows nothing"
    assert said(np.maximum(honest, 150)) == {"values-cut-off"}, "a ReLU on what was standardised"
    assert said(np.minimum(honest, 150)) == {"values-cut-off"}
    assert said(np.maximum(honest, honest.mean() - 2 * honest.std())) == set(), "a few at a bound"
    assert said(np.round(honest / 40) * 40) == set(), "in steps, as a tree predicts"


def test_predictions_that_are_drawn_may_vary_as_far_as_other_rows_would(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,val/accuracy\n1,0.5\n2,0.9\n")
    found = score(probable(LABELS, LABELS, 10), classes(10))
    interval = found.intervals["accuracy"]
    interval.low, interval.high = 0.85, 0.95
    record = made(primary="accuracy")
    record.checkpoint = Checkpoint("checkpoints/best.ckpt", 2, "max val accuracy", "hash")

    def verdict(value: float, drawn: bool) -> str:
        found.metrics["accuracy"].value = value
        return lineage(tmp_path, found, record, drawn)[0].verdict

    assert (verdict(0.9, False), verdict(0.88, False), verdict(0.88, True)) == ("pass", "fail", "pass")
    assert verdict(0.5, True) == "fail", "drawing does not explain as much"
    found.intervals = {}
    assert verdict(0.88, True) == "not applicable"
