"""Predictions: what is taken, and in which type."""

import numpy as np
import pytest
from predicted import BINARY, DIGITS, VALUES, ids

from receipts.evaluation.predictions import from_outputs


def test_probabilities_are_taken_as_they_are_and_stored_in_float32() -> None:
    stated = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    found = from_outputs(stated, ids(2), DIGITS, np.array([2, 0]))
    assert found.stated.dtype == np.float32
    np.testing.assert_array_equal(found.stated, stated.astype(np.float32))
    assert found.prediction.tolist() == [2, 0]
    assert len(found) == 2


def test_equally_probable_classes_give_the_lowest() -> None:
    stated = np.array([[0.2, 0.4, 0.4], [0.5, 0.0, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    assert from_outputs(stated, ids(3), DIGITS, None).prediction.tolist() == [1, 0, 0]


def test_logits_become_probabilities_in_float64() -> None:
    # exp(0) : exp(ln 2) : exp(ln 5) = 1 : 2 : 5, and a thousand more on each logit changes nothing
    logits = np.log([[1.0, 2.0, 5.0]])
    for shift in (0, 1000, -1000):
        found = from_outputs({"logits": logits + shift}, ids(1), DIGITS, None)
        np.testing.assert_allclose(found.stated, [[0.125, 0.25, 0.625]], rtol=1e-7)


def test_a_masked_class_has_probability_zero() -> None:
    found = from_outputs({"logits": np.array([[0.0, -np.inf, 0.0]])}, ids(1), DIGITS, None)
    assert found.stated.tolist() == [[0.5, 0.0, 0.5]]


def test_a_rounding_error_outside_the_unit_interval_is_cut() -> None:
    found = from_outputs(np.array([[1.00001, -0.00001, 0.0]]), ids(1), DIGITS, None)
    assert found.stated.tolist() == [[1.0, 0.0, 0.0]]


def test_labels_become_int64_whatever_held_them() -> None:
    for kind in (np.int8, np.uint64, np.float32, np.bool_):
        found = from_outputs(np.full((2, 2), 0.5), ids(2), BINARY, np.array([0, 1]).astype(kind))
        assert found.targets is not None
        assert found.targets.dtype == np.int64
        assert found.targets.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("targets", "stated", "stored"),
    [
        (np.float32, np.float64, np.float32),  # maps: the value can be no finer than the truth
        (np.float64, np.float32, np.float64),
        (np.float64, np.float64, np.float64),
        (np.int64, np.float32, np.float64),  # float32 would not hold every whole number
        (np.int16, np.float64, np.float32),
        (np.float16, np.float32, np.float32),
    ],
)
def test_values_are_stored_in_the_type_their_targets_need(targets: type, stated: type, stored: type) -> None:
    found = from_outputs(np.array([0.1, 0.2], stated), ids(2), VALUES, np.array([1, 2], targets))
    assert found.targets is not None
    assert found.stated.dtype == found.targets.dtype == stored


def test_named_values_and_further_entries() -> None:
    outputs = {"value": np.zeros((2, 3)), "attention": np.ones((2, 5)), "answer": np.array(["yes", "no"])}
    found = from_outputs(outputs, ids(2), VALUES, np.ones((2, 3)), entities=[7, 8], groups=["a", "b"])
    assert found.prediction.shape == (2, 3)
    assert found.metadata["attention"].shape == (2, 5)
    assert found.metadata["answer"].tolist() == ["yes", "no"]
    assert (found.entities, found.groups) == (["7", "8"], ["a", "b"])
