"""The two implementations: they agree on whatever comes, and where they do not there is no number."""

import warnings
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import spearmanr
from sklearn import metrics as sk

from receipts.config.schema import Task
from receipts.evaluation import metrics, second
from receipts.evaluation.metrics import Definition, evaluate
from receipts.evaluation.predictions import Predictions, from_outputs
from receipts.refusal import CheckFailed

VALUES = Task(kind="regression", primary="mae")
checked = settings(
    max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def predicted(stated: np.ndarray, targets: np.ndarray, task: Task) -> Predictions:
    return from_outputs(stated, [f"s-{n}" for n in range(len(targets))], task, targets)


@st.composite
def classified(draw: st.DrawFn) -> tuple[Predictions, Task]:
    """Few samples and coarse probabilities: ties, zeros, ones and absent classes in plenty."""
    n, k = draw(st.integers(1, 25)), draw(st.integers(2, 5))
    weights = draw(arrays.arrays(np.float64, (n, k), elements=st.sampled_from([0, 0, 1, 2, 3, 1e-9, 1e4])))
    weights[weights.sum(1) == 0] = 1
    targets = draw(arrays.arrays(np.int64, n, elements=st.integers(0, k - 1)))
    task = Task(kind="classification", classes=k, primary="accuracy")
    return predicted(weights / weights.sum(1, keepdims=True), targets, task), task


@st.composite
def measured(draw: st.DrawFn) -> Predictions:
    """Values with ties, in any unit, around any origin, stored in either type."""
    shape = draw(st.sampled_from([(1,), (2,), (17,), (3, 4), (2, 3, 2)]))
    steps = st.one_of(st.integers(-5, 5).map(float), st.floats(-5, 5))
    targets, stated = (draw(arrays.arrays(np.float64, shape, elements=steps)) for _ in range(2))
    unit, origin = draw(st.sampled_from([1e-9, 1.0, 1e9])), draw(st.sampled_from([0.0, 1.0, 1e4]))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    return predicted((stated + origin) * unit, ((targets + origin) * unit).astype(kind), VALUES)


@checked
@given(classified())
def test_classification_agrees_with_torchmetrics(case: tuple[Predictions, Task]) -> None:
    found = evaluate(*case)
    assert all((metric.value is None) == (metric.second is None) for metric in found.values())
    assert [name for name, metric in found.items() if metric.value is None] in ([], ["auroc"])


@checked
@given(measured())
def test_regression_agrees_with_torchmetrics(predictions: Predictions) -> None:
    found = evaluate(predictions, VALUES)
    assert all((metric.value is None) == (metric.second is None) for metric in found.values())
    assert {"mae", "rmse"} <= {name for name, metric in found.items() if metric.value is not None}


@st.composite
def ranked(draw: st.DrawFn) -> tuple[Predictions, Task]:
    """Ordered classes, answered by probabilities or by values, in all views."""
    predictions, task = draw(classified())
    view = draw(st.sampled_from([None, "ordinal", "value", "class"]))
    ordered = Task(kind="ordinal", classes=task.classes, primary=FIRST[view], view=view)
    if view == "class" or draw(st.booleans()):
        return predictions, ordered
    values = draw(arrays.arrays(np.float64, len(predictions), elements=st.floats(-1, 5)))
    ids, targets = predictions.ids, predictions.targets
    return from_outputs({"value": values}, ids, ordered, targets), ordered


FIRST = {None: "mae", "ordinal": "qwk", "value": "rmse", "class": "accuracy"}


@checked
@given(ranked())
def test_ordered_classes_agree_with_torchmetrics(case: tuple[Predictions, Task]) -> None:
    found = evaluate(*case)
    assert all((metric.value is None) == (metric.second is None) for metric in found.values())
    assert set(found) == set(metrics.TABLE[metrics.scored_as(case[1])])


@checked
@given(ranked())
def test_ordered_classes_agree_with_scikit_learn(case: tuple[Predictions, Task]) -> None:
    predictions, task = case
    truth, given = metrics.arrays(predictions, Task("ordinal", task.classes, "qwk"))
    found = {
        name: metric.value
        for name, metric in evaluate(predictions, Task("ordinal", task.classes, "qwk"), second=False).items()
    }
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, given))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, given))
    if found["qwk"] is not None:
        kappa = sk.cohen_kappa_score(truth, given, labels=range(task.classes or 0), weights="quadratic")
        assert found["qwk"] == pytest.approx(kappa, abs=1e-12)
    if found["spearman"] is not None:
        assert found["spearman"] == pytest.approx(spearmanr(truth, given).statistic)


@checked
@given(classified())
def test_classification_agrees_with_scikit_learn(case: tuple[Predictions, Task]) -> None:
    predictions, task = case
    truth, given, stated = predictions.targets, predictions.prediction, predictions.stated.astype(np.float64)
    found = {name: metric.value for name, metric in evaluate(predictions, task, second=False).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of absent classes
        assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, given))
        assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(truth, given))
        assert found["macro_f1"] == pytest.approx(sk.f1_score(truth, given, average="macro", zero_division=0))
        assert found["micro_f1"] == pytest.approx(sk.f1_score(truth, given, average="micro", zero_division=0))
        labels = list(range(stated.shape[1]))
        assert found["brier"] == pytest.approx(sk.brier_score_loss(truth, stated, labels=labels, scale_by_half=False))
        if stated[np.arange(len(stated)), truth].min() > 1e-15:  # below, scikit-learn clips
            assert found["nll"] == pytest.approx(sk.log_loss(truth, stated, labels=labels), abs=1e-12)


@checked
@given(measured())
def test_regression_agrees_with_scikit_learn(predictions: Predictions) -> None:
    truth, stated = (array.ravel().astype(np.float64) for array in (predictions.targets, predictions.stated))
    found = {name: metric.value for name, metric in evaluate(predictions, VALUES, second=False).items()}
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, stated))
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, stated))
    # scikit-learn gives up digits for a large offset, and calls squares that underflow a perfect fit
    assume(np.ptp(truth) > max(1e-6 * np.abs(truth).max(), 1e-100))
    assert found["r2"] == pytest.approx(sk.r2_score(truth, stated), rel=1e-6, abs=1e-6)


@checked
@given(classified(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(case: tuple[Predictions, Task], shuffler: Random) -> None:
    predictions, task = case
    order = list(range(len(predictions)))
    shuffler.shuffle(order)
    assert predictions.targets is not None
    shuffled = predicted(predictions.stated[order], predictions.targets[order], task)
    once, again = (evaluate(table, task, second=False) for table in (predictions, shuffled))
    for name in once:
        assert again[name].undefined == once[name].undefined
        if (value := once[name].value) is not None:
            assert again[name].value == pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 10, 30])
def test_many_rows_agree_within_what_is_stated(classes: int) -> None:
    rng = np.random.default_rng(classes)
    logits, targets = rng.normal(size=(30_000, classes)) * 3, rng.integers(0, classes, 30_000)
    logits[np.arange(len(targets)), targets] += 2
    task = Task(kind="classification", classes=classes, primary="accuracy")
    predictions = from_outputs({"logits": logits}, [f"s-{n}" for n in range(len(targets))], task, targets)
    for name, metric in evaluate(predictions, task).items():
        measured = 1e-7 if second.SECOND["classification"][name][1] == second.SINGLE else 1e-13
        assert metric.second == pytest.approx(metric.value, rel=measured, abs=measured)


def test_maps_with_many_ties_agree() -> None:
    # among 98,000 values in 21 steps the ranks of one step sum to more than int32 holds
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 21, (20, 70, 70)).astype(np.float32)
    found = evaluate(predicted(targets + rng.normal(size=targets.shape).round(), targets, VALUES), VALUES)
    for metric in found.values():
        assert metric.second == pytest.approx(metric.value, rel=1e-12)


# Where they do not agree --------------------------------------------------------------------------------------------


@pytest.fixture
def example() -> tuple[Predictions, Task]:
    task = Task(kind="classification", classes=2, primary="accuracy")
    return predicted(np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]), np.array([0, 1, 1]), task), task


def swapped(compute: Callable[[np.ndarray, np.ndarray], float], table: dict[str, Definition], name: str) -> Definition:
    return Definition(compute, table[name].better, table[name].range)


def test_a_wrong_number_is_not_handed_out(example: tuple[Predictions, Task], monkeypatch: pytest.MonkeyPatch) -> None:
    table = metrics.TABLE["classification"]
    for name in ("accuracy", "nll"):
        right = table[name].compute
        monkeypatch.setitem(table, name, swapped(lambda *a, right=right: right(*a) * (1 + 1e-5), table, name))
    with pytest.raises(CheckFailed) as caught:
        evaluate(*example)
    assert caught.value.check == "second-implementation"
    assert caught.value.exit_code == 4
    assert "accuracy is 0.66667" in caught.value.what
    assert "by NumPy and 0.6666666" in caught.value.what
    assert "; nll is " in caught.value.what
    assert "brier" not in caught.value.what


def test_wrong_counts_are_not_handed_out(example: tuple[Predictions, Task], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "counts", lambda *arrays: np.array([[1, 1], [0, 1]]))
    with pytest.raises(CheckFailed, match="the confusion matrices differ"):
        evaluate(*example, names=["nll"])


def test_small_units_are_compared_in_their_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    table = metrics.TABLE["regression"]
    monkeypatch.setitem(table, "mae", swapped(lambda truth, stated: 2e-12, table, "mae"))
    with pytest.raises(CheckFailed, match="mae is 2e-12 by NumPy and 1e-12 by torchmetrics"):
        evaluate(predicted(np.array([1e-12]), np.array([0.0]), VALUES), VALUES, names=["mae"])


@pytest.fixture
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("deterministic")
def test_torch_is_left_as_it_was(example: tuple[Predictions, Task], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append((torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()))
        raise RuntimeError("while it is changed")

    monkeypatch.setitem(second.SECOND["classification"], "nll", (look, second.EXACT))
    with pytest.raises(RuntimeError, match="while it is changed"):
        evaluate(*example)
    assert seen == [(torch.float64, False)]  # deterministic, its bincount would need memory for N · K² numbers
    assert torch.get_default_dtype() == torch.float32
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_every_metric_has_a_second() -> None:
    assert {kind: set(names) for kind, names in second.SECOND.items()} == {
        kind: set(names) for kind, names in metrics.TABLE.items()
    }
