"""Predictions: what is refused, and what the refusal names."""

import numpy as np
import pytest
from predicted import BINARY, DIGITS, VALUES, classes, ids

from receipts.config.schema import Task
from receipts.evaluation.predictions import check_complete, from_outputs
from receipts.evaluation.promises import check_labels
from receipts.refusal import Refusal


def refused(outputs: object, task: Task, targets: object = None, *, n: int = 2) -> str:
    with pytest.raises(Refusal) as caught:
        from_outputs(outputs, ids(n), task, None if targets is None else np.asarray(targets))  # type: ignore[arg-type]
    return str(caught.value)


def test_unnamed_logits() -> None:
    message = refused(np.array([[0.2, 0.3, 0.5], [2.0, -1.0, 7.5]]), DIGITS)
    assert "shape (2, 3), and 1 rows of it are not probabilities" in message
    assert "s-1 holds -1 to 7.5 and sums to 8.5, not to 1 ± 0.0001" in message
    assert 'return {"logits": self(x)}    (or: return self(x).softmax(-1))' in message


@pytest.mark.parametrize("row", [[0.5, 0.4, 0.09989], [0.5, 0.4, 0.10011], [1.2, -0.2, 0.0], [0.0, 0.0, 0.0]])
def test_rows_that_are_no_probabilities(row: list[float]) -> None:
    assert f"sums to {sum(row):.6g}, not to 1" in refused(np.array([row]), DIGITS, n=1)


@pytest.mark.parametrize("last", [0.09991, 0.10009])
def test_rows_that_sum_to_one_within_the_tolerance(last: float) -> None:
    from_outputs(np.array([[0.5, 0.4, last]]), ids(1), DIGITS, None)


def test_another_number_of_classes() -> None:
    message = refused(np.full((2, 4), 0.25), DIGITS)
    assert "shape (2, 4), not (2, 3)" in message
    assert "make the last layer 3 wide and, in predict_step: return self(x).softmax(-1)" in message


@pytest.mark.parametrize("outputs", [np.array([0.1, 0.9]), np.array([[0.1], [0.9]])])
def test_one_probability_for_two_classes(outputs: np.ndarray) -> None:
    message = refused(outputs, BINARY)
    assert f"shape {outputs.shape}, not (2, 2)" in message
    assert "return torch.stack([1 - p, p], -1)" in message


@pytest.mark.parametrize(
    ("outputs", "targets", "line"),
    [
        (np.zeros((2, 1)), np.zeros(2), "in predict_step: return self(x).reshape(-1)"),
        (np.zeros((2, 1, 7, 7)), np.zeros((2, 7, 7)), "in predict_step: return self(x).reshape(-1, 7, 7)"),
        (np.zeros(2), np.zeros((2, 3)), "make the last layer 3 wide; in predict_step: return self(x).reshape(-1, 3)"),
    ],
)
def test_values_of_another_shape(outputs: np.ndarray, targets: np.ndarray, line: str) -> None:
    message = refused(outputs, VALUES, targets)
    assert f"shape {outputs.shape}, the targets have {targets.shape}" in message
    assert line in message


@pytest.mark.parametrize(("task", "width"), [(DIGITS, (3,)), (VALUES, ())])
def test_another_count(task: Task, width: tuple[int, ...]) -> None:
    message = refused(np.ones((3, *width)) / 3, task, np.zeros(2))
    assert "predictions: 3 rows for 2 samples" in message
    assert "return one row per input" in message


@pytest.mark.parametrize("outputs", [np.zeros((0, 3)), np.zeros(0)])
def test_nothing(outputs: np.ndarray) -> None:
    assert "there are no samples" in refused(outputs, DIGITS, n=0)


def test_repeated_ids() -> None:
    with pytest.raises(Refusal, match="2 ids stand more than once: a, b"):
        from_outputs(np.full((5, 2), 0.5), ["a", "b", "a", "b", "c"], BINARY, None)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_listed(bad: float) -> None:
    values = np.zeros((9, 2, 2))
    values[2:8, 1, 0] = bad
    message = refused(values, VALUES, np.zeros((9, 2, 2)), n=9)
    assert "predictions of 6 of 9 samples are NaN or infinite: s-2, s-3, s-4, s-5 and 2 more" in message
    logits = np.zeros((3, 3))
    logits[1, 2] = bad
    assert "predictions of 1 of 3 samples are NaN or infinite: s-1" in refused({"logits": logits}, DIGITS, n=3)


def test_a_value_too_large_for_its_type_is_infinite() -> None:
    assert "NaN or infinite: s-0" in refused(np.array([1e300]), VALUES, np.zeros(1, np.float32), n=1)


def test_targets_that_are_not_finite_are_listed() -> None:
    assert "targets of 1 of 2 samples are NaN or infinite: s-1" in refused(np.zeros(2), VALUES, [0, np.nan])


@pytest.mark.parametrize(("label", "seen"), [(3, "3"), (-1, "-1"), (1.5, "1.5"), (np.nan, "nan")])
def test_labels_out_of_range_are_listed(label: float, seen: str) -> None:
    message = refused(np.full((2, 3), 1 / 3), DIGITS, [0, label])
    assert f"1 labels are outside 0…2: s-1 has {seen}" in message
    assert "task.classes is 3" in message


def test_labels_from_one() -> None:
    with pytest.raises(Refusal) as caught:
        check_labels(np.array([1, 2, 3, 3, 3, 3, 3]), ids(7), 3)
    assert "5 labels are outside 0…2: s-2 has 3, s-3 has 3, s-4 has 3, s-5 has 3 and 1 more" in str(caught.value)
    assert "labels run from 1 to 3" in str(caught.value)
    assert "number the classes from 0" in str(caught.value)


@pytest.mark.parametrize("targets", [np.eye(2, 3), np.array([["a"], ["b"]]), np.array(["a", "b"])])
def test_labels_of_another_kind_get_the_way_out(targets: np.ndarray) -> None:
    message = refused(np.full((2, 3), 1 / 3), DIGITS, targets)
    assert "are not the classes of 2 samples" in message
    assert 'receipts.load(RUN).predictions("val")' in message


def test_a_task_of_no_known_kind_gets_the_way_out() -> None:
    message = refused(np.zeros((2, 4)), Task(kind="detection", primary="map"))
    assert "no metric is defined for a task of kind 'detection'" in message
    assert "classification, ordinal, regression" in message
    assert "compute your own metric over the stored arrays" in message


@pytest.mark.parametrize(
    ("outputs", "task", "seen", "line"),
    [
        ({"scores": np.zeros((2, 3))}, DIGITS, "a dict of scores", 'return {"logits": self(x)}'),
        ({}, DIGITS, "a dict of nothing", 'return {"logits": self(x)}'),
        ({"value": np.zeros(2)}, DIGITS, "a dict of value", 'return {"logits": self(x)}'),
        ({"logits": np.zeros(2), "value": np.zeros(2)}, VALUES, "a dict of logits, value", 'return {"value": self(x)}'),
    ],
)
def test_a_dict_that_names_no_prediction(outputs: object, task: Task, seen: str, line: str) -> None:
    message = refused(outputs, task)
    assert seen in message
    assert line in message


def test_outputs_that_are_no_numbers() -> None:
    assert "predictions are real numbers" in refused(np.array(["a", "b"]), VALUES)
    assert "predictions are real numbers" in refused(np.zeros(2, complex), VALUES)
    assert "a regression task has real targets" in refused(np.zeros(2), VALUES, ["a", "b"])
    assert "'trace' holds object" in refused({"value": np.zeros(2), "trace": np.array([{}, {}])}, VALUES)
    assert "trace: 3 rows for 2 samples" in refused({"value": np.zeros(2), "trace": np.zeros(3)}, VALUES)


def test_complete() -> None:
    check_complete(classes(4), reversed(ids(4)))
    with pytest.raises(Refusal) as caught:
        check_complete(classes(7), ["s-0", "other", "s-1", "s-1"])
    assert "7 predictions are not one for each of the 3 samples" in str(caught.value)
    assert "1 missing: other" in str(caught.value)
    assert "5 not of this split: s-2, s-3, s-4, s-5 and 1 more" in str(caught.value)
    assert "1 expected more than once: s-1" in str(caught.value)
