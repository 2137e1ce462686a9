"""Each class by itself, and how far an interval reaches."""

import csv
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from records import made, score
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from receipts.runs.figures import decimals, per_class, per_class_csv, per_class_table, precision_note
from receipts.runs.record import Interval

MATRIX = [[1, 0, 0], [0, 1, 1], [1, 0, 0]]


def test_classes_by_hand() -> None:
    # class 0: 1 of 2 given, 1 of 1 true; class 1: 1 of 1 and 1 of 2; class 2: 0 of 1 and 0 of 1
    assert [tuple(each) for each in per_class(MATRIX)] == [
        (0, 1 / 2, 1, 2 / 3, 1),
        (1, 1, 1 / 2, 2 / 3, 2),
        (2, 0, 0, 0, 1),
    ]


def test_what_was_never_given_or_never_true_has_no_figure() -> None:
    nothing, never_given = per_class([[0, 0, 0], [0, 0, 2], [0, 0, 3]])[:2]
    assert tuple(nothing) == (0, None, None, None, 0)
    assert tuple(never_given) == (1, None, 0, 0, 2)


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 4)))
def test_classes_agree_with_scikit_learn(pairs: np.ndarray) -> None:
    found = per_class(confusion_matrix(pairs[:, 0], pairs[:, 1], labels=range(5)).tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = precision_recall_fscore_support(*pairs.T, labels=range(5), zero_division=np.nan)
    for name, column in zip(("precision", "recall", "f1", "support"), theirs, strict=True):
        ours = [getattr(each, name) for each in found]
        assert [np.nan if value is None else value for value in ours] == pytest.approx(column.tolist(), nan_ok=True)


def test_the_file_holds_every_split_and_an_empty_cell_for_no_figure() -> None:
    run = made(0, score(split="val", confusion=[[2, 0], [0, 0]]), score(split="test", confusion=[[1, 1], [0, 2]]))
    rows = list(csv.DictReader((per_class_csv(run) or "").splitlines()))
    assert [(row["split"], row["label"], row["recall"], row["support"]) for row in rows] == [
        ("val", "0", "1.0", "2"),
        ("val", "1", "", "0"),
        ("test", "0", "0.5", "2"),
        ("test", "1", "1.0", "2"),
    ]
    assert per_class_csv(made(0, score())) is None


def test_the_table_begins_with_the_worst_class() -> None:
    rows = per_class_table(score(confusion=MATRIX)).splitlines()[4:]
    assert rows[0] == "| 2 | 0.000 | 0.000 | 0.000 | 1 |"
    many = per_class_table(score(confusion=np.eye(30, dtype=int).tolist()))
    assert many.count("| 1.000 | 1 |") == 20
    assert "The worst 20 of 30 classes" in many


@pytest.mark.parametrize(
    ("half", "digits"),
    [
        (0.0314, 3),
        (0.0354, 3),
        (0.0355, 2),
        (0.0949, 2),
        (0.0951, 2),
        (0.31, 2),
        (0.36, 1),
        (0.97, 1),
        (12.0, 0),
        (0.0, 4),
    ],
)
def test_as_many_decimals_as_the_half_width_has_meaning(half: float, digits: int) -> None:
    assert decimals(half) == digits


def test_the_note_holds_the_width_against_the_margin() -> None:
    wide = score(intervals={"accuracy": Interval(0.8643, 0.9267, 0.95, "Wilson, 360 samples")})
    note = precision_note(made(0, wide), wide)
    assert note is not None
    assert note.startswith("val accuracy: 95% interval 0.864 to 0.927, 0.062 wide (Wilson, 360 samples); wider than")
    assert "margin of 0.03" in note
    narrow = score(intervals={"accuracy": Interval(0.895, 0.905, 0.95, "Wilson, 9000 samples")})
    assert "narrower than the margin of 0.03" in (precision_note(made(0, narrow), narrow) or "")
    assert "margin is not stated" in (precision_note(made(0, narrow, margin=None), narrow) or "")
    assert precision_note(made(0, score()), score()) is None
