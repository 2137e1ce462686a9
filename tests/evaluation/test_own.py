"""Own metrics over stored predictions: beside the harness's numbers, held against them where they claim to be one."""

from typing import Any

import numpy as np
import pytest

from receipts.config import own as declared
from receipts.config.schema import Config, OwnMetric, Task
from receipts.evaluation import own
from receipts.evaluation.metrics import evaluate
from receipts.evaluation.predictions import Predictions, from_outputs

TASK = Task(kind="classification", classes=3, primary="accuracy")
GRADES = Task(kind="ordinal", classes=3, primary="mae")
STATED, TRUE = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4]]), np.array([0, 1, 2])


def predicted(task: Task = TASK, groups: list[str] | None = None) -> Predictions:
    return from_outputs(STATED, ["a", "b", "c"], task, TRUE, groups=groups)


def scored(monkeypatch: pytest.MonkeyPatch, compute: Any, said: Predictions, task: Task = TASK, **facts: Any) -> Any:
    """Score with a function handed in by the test instead of one read from src/lab."""
    import ast
    import inspect

    names = ", ".join(inspect.signature(compute).parameters)
    (source,) = ast.parse(f'def mine({names}):\n    """Mine\n    alone."""').body
    monkeypatch.setattr(own.signatures, "function_from_source", lambda key, target: source)
    monkeypatch.setattr(declared, "function", lambda metric: compute)
    metric = OwnMetric(**{"function": "lab.scores.mine", "better": "higher", "range": [0, 1]} | facts)
    ours = evaluate(said, task, second=False)
    metrics, (check,) = own.score(said, Config(task=task, metrics=[metric]), "val", ours)
    return metrics["mine"], check


def test_a_metric_of_ones_own_is_stored_with_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    metric, check = scored(monkeypatch, lambda prediction, target: (prediction == target).mean(), predicted())
    assert (metric.value, metric.second, metric.better, metric.range) == (pytest.approx(2 / 3), None, "higher", (0, 1))
    assert metric.definition == "Mine alone."
    assert (check.code, check.verdict) == ("val-own-mine", "pass")


def test_a_second_implementation_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lambda prediction, target: (prediction == target).mean()  # noqa: E731
    metric, check = scored(monkeypatch, right, predicted(), second_of="accuracy")
    assert metric.second == pytest.approx(2 / 3)
    assert (check.verdict, check.evidence) == ("pass", "lab.scores.mine is within 1e-06 of the harness's accuracy")
    wrong = lambda prediction, target: right(prediction, target) + 2e-6  # noqa: E731
    metric, check = scored(monkeypatch, wrong, predicted(), second_of="accuracy")
    assert check.verdict == "fail"
    assert "lab.scores.mine is 0.66666866" in check.evidence
    assert "the harness's accuracy, which it computes once more, 0.6666" in check.evidence


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (lambda target: float("nan"), "it returned nan, which is no finite number"),
        (lambda target: 1.5, "it returned 1.5, which is outside its range [0, 1]"),
        (lambda target: target.sort(), "it returned ValueError: sort array is read-only"),
        (lambda target, groups: 0.5, "these predictions have no groups"),
    ],
)
def test_a_value_that_is_none_fails_its_check_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch, compute: Any, said: str
) -> None:
    metric, check = scored(monkeypatch, compute, predicted())
    assert (metric.value, metric.undefined) == (None, said)
    assert (check.verdict, check.evidence) == ("fail", f"lab.scores.mine: {said}")


def test_what_is_handed_over_is_what_the_view_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def look(probabilities: Any, prediction: Any, target: Any) -> float:
        seen.update(probabilities=probabilities.dtype, prediction=prediction.tolist(), target=target.tolist())
        return 0.5

    scored(monkeypatch, look, predicted(), TASK)
    assert seen == {"probabilities": np.float64, "prediction": [0, 1, 0], "target": [0, 1, 2]}
    scored(monkeypatch, look, predicted(GRADES), GRADES)
    assert seen["prediction"] == [0, 1, 0]
    scored(monkeypatch, look, predicted(GRADES), Task("ordinal", 3, "mae", view="value"))
    assert seen["prediction"] == pytest.approx([0.4, 1.0, 0.9])
    assert seen["target"] == [0, 1, 2]

    def shape(prediction: Any, target: Any) -> float:
        return float(prediction.shape == target.shape == (2, 3))

    values = Task("regression", None, "mae")
    maps = from_outputs(np.ones((2, 3)), ["a", "b"], values, np.zeros((2, 3)))
    assert scored(monkeypatch, shape, maps, values)[0].value == 1.0


def test_groups_reach_the_function_as_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    worst = lambda prediction, target, groups: min(  # noqa: E731
        (prediction == target)[groups == group].mean() for group in set(groups)
    )
    assert scored(monkeypatch, worst, predicted(groups=["x", "x", "y"]))[0].value == 0
