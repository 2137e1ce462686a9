"""The metrics: worked examples, what has no value, what is refused, what the record is told."""

import subprocess
import sys
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest

from receipts.config import kinds
from receipts.config.schema import Task
from receipts.evaluation.metrics import (
    SCORED_AS,
    TABLE,
    VIEWS,
    check_task,
    confusion,
    definition,
    direction,
    evaluate,
    metric_names,
)
from receipts.evaluation.predictions import Predictions, from_outputs
from receipts.refusal import Refusal
from receipts.runs.record import Metric

DIGITS = Task(kind="classification", classes=3, primary="accuracy")
BINARY = Task(kind="classification", classes=2, primary="accuracy")
VALUES = Task(kind="regression", primary="mae")
GRADES = Task(kind="ordinal", classes=3, primary="mae")


def predicted(stated: object, targets: object, task: Task) -> Predictions:
    targets = np.asarray(targets)
    return from_outputs(np.asarray(stated, dtype=np.float64), [f"s-{n}" for n in range(len(targets))], task, targets)


def values(stated: object, targets: object, task: Task) -> dict[str, float | None]:
    return {name: metric.value for name, metric in evaluate(predicted(stated, targets, task), task).items()}


def only(name: str, stated: object, targets: object, task: Task) -> Metric:
    found = evaluate(predicted(stated, targets, task), task, names=[name])
    assert list(found) == [name]
    return found[name]


# Worked examples ----------------------------------------------------------------------------------------------------

# true      0                1     2 (a tie: 0)     2                1 (wrong)
FIVE = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0, 0.5], [0.1, 0.3, 0.6], [0.25, 0.25, 0.5]]
TRUE = [0, 1, 2, 2, 1]


def test_classification_by_hand() -> None:
    found = values(FIVE, TRUE, DIGITS)
    # given     0  1  2      recall   F1 = 2 TP / (row + column)
    # true 0    1  0  0      1        2 · 1 / (1 + 2) = 2/3
    # true 1    0  1  1      1/2      2 · 1 / (2 + 1) = 2/3
    # true 2    1  0  1      1/2      2 · 1 / (2 + 2) = 1/2
    assert confusion(predicted(FIVE, TRUE, DIGITS), DIGITS).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 1]]
    # the squares of each row: .09 + .04 + .01 | .01 + .04 + .01 | .25 + 0 + .25 | .01 + .09 + .16 | .0625 + .5625 + .25
    squares = [0.14, 0.06, 0.5, 0.26, 0.875]
    # the bins [k/15, (k + 1)/15): .7 is in 10, right; .8 in 12, right; .5 twice in 7, wrong and wrong; .6 in 9, right
    gaps = [0.3, 0.2, 2 * 0.5, 0.4]
    # class 0 (.7) above .1 .5 .1 .25: 4/4; class 1 (.8 .25) above .2 0 .3: 3/3 and 2/3; class 2 (.5 .6) above .1 .1 and
    # level with or above .5: 2.5/3 and 3/3
    areas = [1, 5 / 6, 5.5 / 6]
    assert found == {
        "accuracy": pytest.approx(3 / 5),
        "balanced_accuracy": pytest.approx((1 + 1 / 2 + 1 / 2) / 3),
        "macro_f1": pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3),
        "micro_f1": pytest.approx(3 / 5),
        "nll": pytest.approx(-(log(0.7) + log(0.8) + log(0.5) + log(0.6) + log(0.25)) / 5, abs=1e-7),
        "brier": pytest.approx(sum(squares) / 5, abs=1e-7),
        "ece": pytest.approx(sum(gaps) / 5, abs=1e-7),
        "auroc": pytest.approx(sum(areas) / 3),
    }


def test_two_classes_by_hand() -> None:
    # of class 1: .4 .8 above .1 .4 in pairs: (.4, .1) 1, (.4, .4) 1/2, (.8, .1) 1, (.8, .4) 1
    positive = np.array([0.1, 0.4, 0.4, 0.8])
    assert values(np.stack([1 - positive, positive], 1), [0, 0, 1, 1], BINARY)["auroc"] == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 2), (1, 2, 2)])
def test_regression_by_hand(shape: tuple[int, ...]) -> None:
    found = values(np.reshape([1.5, 2, 3, 7], shape), np.reshape([1.0, 2, 4, 5], shape), VALUES)
    # differences .5, 0, -1, 2; targets around their mean of 3: -2, -1, 1, 2
    assert found == {
        "mae": pytest.approx(3.5 / 4),
        "rmse": pytest.approx(sqrt(5.25 / 4)),
        "r2": pytest.approx(1 - 5.25 / 10),
        "spearman": pytest.approx(1),
    }


def test_spearman_with_ties_by_hand() -> None:
    # ranks 1, 2.5, 2.5, 4 and 1, 4, 2.5, 2.5; around 2.5: -1.5, 0, 0, 1.5 and -1.5, 1.5, 0, 0: 2.25 / √(4.5 · 4.5)
    assert values([10, 30, 20, 20], [1.0, 2, 2, 3], VALUES)["spearman"] == pytest.approx(0.5)


def test_ordered_classes_by_hand() -> None:
    # given 0 1 0 2 2 for 0 1 2 2 1: steps 0 0 2 0 1; squares 0 0 4 0 1
    # by chance, the squared steps of all 25 pairs of given (0 0 1 2 2) and true (0 1 1 2 2):
    # 0: 0 1 1 4 4, twice; 1: 1 0 0 1 1; 2: 4 1 1 0 0, twice: 20 + 3 + 12 = 35
    # ranks of given 1.5 3 1.5 4.5 4.5, of true 1 2.5 4.5 4.5 2.5; around 3:
    # -1.5 0 -1.5 1.5 1.5 and -2 -.5 1.5 1.5 -.5: 3 - 2.25 + 2.25 - .75 = 2.25; squares 9 and 9
    assert values(FIVE, TRUE, GRADES) == {
        "mae": pytest.approx(3 / 5),
        "qwk": pytest.approx(1 - (5 / 5) / (35 / 25)),
        "spearman": pytest.approx(2.25 / 9),
        "accuracy": pytest.approx(3 / 5),
    }
    assert confusion(predicted(FIVE, TRUE, GRADES), GRADES).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 1]]


def test_ordered_classes_answered_by_values() -> None:
    # the nearest class, halves up, the ends beyond the ends: 0 1 2 2 0
    said = from_outputs({"value": np.array([-3.0, 0.5, 1.5, 9.0, 0.4])}, list("abcde"), GRADES, np.array(TRUE))
    found = {name: metric.value for name, metric in evaluate(said, GRADES).items()}
    assert (found["accuracy"], found["mae"]) == (4 / 5, 1 / 5)
    as_values = Task(kind="ordinal", classes=3, primary="mae", view="value")
    assert evaluate(said, as_values)["mae"].value == pytest.approx((3 + 0.5 + 0.5 + 7 + 0.6) / 5)
    with pytest.raises(Refusal, match="do not answer an ordinal task scored as classification task"):
        evaluate(said, Task(kind="ordinal", classes=3, primary="accuracy", view="class"))


def test_the_same_raw_labels_are_scored_in_three_views() -> None:
    stored = predicted(FIVE, TRUE, GRADES)
    assert stored.targets.tolist() == TRUE
    views = {view: Task("ordinal", 3, primary, view=view) for view, primary in (("class", "nll"), ("value", "mae"))}
    assert set(evaluate(stored, views["class"])) == set(TABLE["classification"])
    # expected classes .4 1 1 1.5 1.25 for 0 1 2 2 1
    assert evaluate(stored, views["value"])["mae"].value == pytest.approx((0.4 + 0 + 1 + 0.5 + 0.25) / 5, abs=1e-7)
    with pytest.raises(Refusal, match=r"task.view is 'value', and labels of a classification task cannot"):
        check_task(Task("classification", 3, "mae", view="value"))


def test_a_kappa_of_one_class_is_undefined() -> None:
    metric = only("qwk", np.eye(3)[[1, 1]], [1, 1], GRADES)
    assert (metric.value, metric.undefined) == (None, "all targets and all given classes are one class")
    assert only("qwk", np.eye(3)[[0, 0]], [1, 1], GRADES).value == 0


def test_labels_of_ordered_classes_are_checked_whatever_is_returned() -> None:
    for outputs in ({"value": np.zeros(2)}, np.eye(3)[:2]):
        with pytest.raises(Refusal, match="1 labels are outside 0…2: b has 5"):
            from_outputs(outputs, ["a", "b"], GRADES, np.array([1, 5]))


def test_what_is_checked_without_numpy_is_what_the_harness_knows() -> None:
    assert {kind: list(names) for kind, names in kinds.METRICS.items()} == {
        k: list(names) for k, names in TABLE.items()
    }
    assert {kind: tuple(views) for kind, views in kinds.VIEWS.items()} == VIEWS
    assert all(SCORED_AS[view] == kind for views in kinds.VIEWS.values() for view, kind in views.items())


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    # 1 (wrong) and .95 (right) share the bin [14/15, 1]: |1/2 - .975|; apart they would give (1 + .05) / 2
    assert values([[1, 0], [0.05, 0.95]], [1, 1], BINARY)["ece"] == pytest.approx(0.475, abs=1e-7)


def test_the_true_class_held_impossible() -> None:
    # -ln 2^-149 = 149 ln 2
    assert values([[1, 0], [0, 1]], [1, 1], BINARY)["nll"] == pytest.approx(149 * log(2) / 2)


def test_all_right_and_all_wrong() -> None:
    right = values(np.eye(3), [0, 1, 2], DIGITS)
    assert right == {name: definition("classification", name).better == "higher" for name in right}
    wrong = values(np.eye(3)[[1, 2, 0]], [0, 1, 2], DIGITS)
    assert (wrong["accuracy"], wrong["macro_f1"], wrong["brier"], wrong["ece"], wrong["auroc"]) == (0, 0, 2, 1, 0.25)
    exact = values([1, 2, 4], [1.0, 2, 4], VALUES)
    assert (exact["mae"], exact["rmse"], exact["r2"], exact["spearman"]) == (0, 0, 1, pytest.approx(1))


def test_classes_that_do_not_occur() -> None:
    # class 2 is never true but given once: it has no recall, and an F1 of 0; class 0: recall 1/2, F1 2/3
    task = Task(kind="classification", classes=4, primary="accuracy")
    found = values(np.eye(4)[[0, 2, 1]], [0, 0, 1], task)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_r_squared_of_targets_in_small_and_in_large_units() -> None:
    # torchmetrics alone would print 1.0 for the first: it takes sums below 1e-4 for zero
    for unit, origin in ((1e-6, 0), (1e6, 0), (1.0, 1e9)):
        found = values(np.array([1.5, 2, 3, 7]) * unit + origin, np.array([1.0, 2, 4, 5]) * unit + origin, VALUES)
        assert found["r2"] == pytest.approx(0.475)


# What has no value --------------------------------------------------------------------------------------------------


def test_auroc_without_one_of_the_classes() -> None:
    metric = only("auroc", FIVE[:2], TRUE[:2], DIGITS)
    assert (metric.value, metric.second, metric.undefined) == (None, None, "no target is of class 2")
    assert only("auroc", [[0.5, 0.5]], [1], BINARY).undefined == "no target is of class 0"


@pytest.mark.parametrize(
    ("stated", "targets", "reasons"),
    [
        ([1, 2, 3], [0.1, 0.1, 0.1], {"r2": "all targets are equal", "spearman": "all targets are equal"}),
        ([2, 2, 2], [1.0, 2, 3], {"r2": None, "spearman": "all values are equal"}),
        ([2], [1.0], {"r2": "all targets are equal", "spearman": "all targets are equal"}),
    ],
)
def test_what_does_not_vary(stated: list[float], targets: list[float], reasons: dict[str, str | None]) -> None:
    found = evaluate(predicted(stated, targets, VALUES), VALUES)
    for name, reason in reasons.items():
        assert found[name].undefined == reason
        assert (found[name].value is None) == (found[name].second is None) == (reason is not None)
    assert found["mae"].value is not None


def test_what_float64_cannot_square() -> None:
    metric = only("rmse", [1e200], [-1e200], VALUES)
    assert metric.value is None
    assert metric.undefined == "not a finite number in float64: the values are too large or too small"


# What is refused ----------------------------------------------------------------------------------------------------


def test_a_metric_that_the_harness_does_not_compute() -> None:
    with pytest.raises(Refusal) as caught:
        definition("classification", "acuracy")
    assert "'acuracy' is no metric of a classification task; did you mean accuracy?" in str(caught.value)
    assert "known are accuracy, balanced_accuracy" in str(caught.value)
    for own in ("module/loss", "val/f1", "rmse"):
        with pytest.raises(Refusal, match=f"'{own}' is no metric") as caught:
            check_task(Task(kind="classification", classes=3, primary=own))
        assert "a value logged by a module can be neither primary nor selected on" in str(caught.value)
    with pytest.raises(Refusal, match="did you mean accuracy"):
        evaluate(predicted(FIVE, TRUE, DIGITS), DIGITS, names=["val/accuracy"], second=False)


def test_a_task_of_no_known_kind() -> None:
    for ask in (metric_names, lambda kind: direction(kind, "accuracy"), lambda kind: check_task(Task(kind, None, "a"))):
        with pytest.raises(Refusal, match="no metric is defined for a task of kind 'ranking'") as caught:
            ask("ranking")
        assert "compute your own metric over the stored arrays" in str(caught.value)


@pytest.mark.parametrize("classes", [None, 1, 0])
def test_a_classification_without_classes(classes: int | None) -> None:
    with pytest.raises(Refusal, match=f"task.classes is {classes}"):
        check_task(Task(kind="classification", classes=classes, primary="accuracy"))


def test_predictions_of_another_task() -> None:
    with pytest.raises(Refusal, match=r"probabilities of shape .* do not answer a regression task"):
        evaluate(predicted(FIVE, TRUE, DIGITS), VALUES)
    with pytest.raises(Refusal, match=r"values of shape .* do not answer a classification task of 3 classes"):
        evaluate(predicted([1, 2], [1.0, 2], VALUES), DIGITS)
    with pytest.raises(Refusal, match=r"\(2, 2\) do not answer a classification task of 3 classes"):
        evaluate(predicted(np.eye(2), [0, 1], BINARY), DIGITS)
    with pytest.raises(Refusal, match="a regression task has no confusion matrix"):
        confusion(predicted([1, 2], [1.0, 2], VALUES), VALUES)


def test_predictions_without_targets() -> None:
    with pytest.raises(Refusal, match="these predictions have no targets"):
        evaluate(from_outputs(np.eye(2), ["a", "b"], BINARY, None), BINARY)


# What the record is told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in TABLE for name in TABLE[kind]])
def test_every_metric_is_defined(kind: str, name: str) -> None:
    found = definition(kind, name)
    assert found.better == direction(kind, name)
    assert found.meaning.endswith(".")
    assert "\n" not in found.meaning
    assert "  " not in found.meaning
    low, high = found.range
    assert low is None or high is None or low < high


def test_the_record_holds_the_definition() -> None:
    metric = only("nll", FIVE, TRUE, DIGITS)
    assert metric.second == pytest.approx(metric.value)
    assert (metric.better, metric.range) == ("lower", (0, None))
    assert metric.definition.startswith(
        "Mean of -ln(probability of the true class), in nats; a probability of 0 counts"
    )


def test_named_metrics_only_and_without_the_second() -> None:
    found = evaluate(predicted(FIVE, TRUE, DIGITS), DIGITS, names=["nll", "accuracy"], second=False)
    assert list(found) == ["nll", "accuracy"]
    assert all(metric.second is None for metric in found.values())


def test_values_lie_in_their_range_and_directions_are_right() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 600)
    for task, made, truth in (
        (DIGITS, lambda skill: np.exp(skill * np.eye(3)[targets] + rng.normal(size=(600, 3))), targets),
        (VALUES, lambda skill: skill * targets + rng.normal(size=600), targets * 4.0),
    ):
        steps = []
        for skill in (0, 1, 4):
            stated = made(skill)
            stated = stated / stated.sum(1, keepdims=True) if task is DIGITS else stated
            steps.append(evaluate(predicted(stated, truth, task), task, second=False))
        for name in steps[0]:
            low, high = steps[0][name].range
            series = [step[name].value for step in steps]
            assert all((low is None or low <= value) and (high is None or value <= high) for value in series)
            rising = [after > before for before, after in pairwise(series)]
            assert name == "ece" or set(rising) == {direction(task.kind, name) == "higher"}


def test_the_harness_needs_neither_torch_nor_scikit_learn_to_load() -> None:
    heavy = "{'torch', 'torchmetrics', 'sklearn', 'scipy', 'pyarrow', 'pandas'}"
    script = f"import sys, receipts.evaluation.metrics; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "[]\n"
