"""Checks of labels on real digits and patients: faults that are caught, and look-alikes that are not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examined import DIGITS, PATIENTS, TEN, VALUE, digits, failing, opened, patients
from tables import Table

from receipts.data import misplaced
from receipts.guards import gate
from receipts.guards.data import augmenting, looking
from receipts.guards.data.labels import audit as labels_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def relabelled(rows: slice, how: Any) -> Table:
    labels = DIGITS.target.astype(np.int64).copy()
    labels[rows] = how(labels[rows])
    return digits(targets=labels)


def shifted(y: Any) -> Any:
    return (y + 1) % 10


def shuffled(y: Any) -> Any:
    return np.random.default_rng(0).permutation(y)


def a_fifth(y: Any) -> Any:
    rng = np.random.default_rng(0)
    return np.where(rng.random(len(y)) < 0.2, rng.integers(0, 10, len(y)), y)


@pytest.mark.parametrize(
    ("rows", "how", "names"),
    [
        (slice(0, 1078), shifted, {"labels-aligned"}),
        (slice(1078, 1437), shuffled, {"labels-aligned"}),
        (slice(0, 1078), a_fifth, {"labels-clean"}),
        (slice(None), shifted, set()),  # wrong everywhere alike: nobody can know
        (slice(None), shuffled, set()),  # nothing to tell labels by; the score will say so
        (slice(None), a_fifth, set()),
    ],
)
def test_labels_that_mean_something_else_in_one_split(rows: slice, how: Any, names: set[str]) -> None:
    assert failing(relabelled(rows, how)) == names


@pytest.mark.parametrize("off", [1, -1, 2])
def test_values_that_stand_beside_the_wrong_rows(off: int) -> None:
    y = PATIENTS.target.astype(np.float32)
    assert failing(patients(targets=np.roll(y, off)), VALUE) == {"labels-aligned"}


def test_rows_that_come_in_an_order_may_follow_from_the_rows_before() -> None:
    noise = np.random.default_rng(0).normal(size=600).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(noise, 7)  # nobody can tell what follows; the row before is it
    assert misplaced.by(windows[:, :6], windows[:, 6]) is None
    assert misplaced.by(PATIENTS.data, PATIENTS.target) is None
    assert misplaced.by(DIGITS.data, DIGITS.target) is None
    assert misplaced.by(np.column_stack([noise[:-1], noise[:-1] ** 2]), noise[1:]) is None
    assert misplaced.by(np.column_stack([noise[:-2], noise[:-2] ** 2]), noise[2:]) is None
    order = np.argsort(PATIENTS.target)
    assert misplaced.by(PATIENTS.data[order], np.roll(PATIENTS.target[order], 1)) is None


def test_a_few_doubtful_labels_are_named_and_fail_nothing() -> None:
    drawn = np.random.default_rng(0).permutation(1078)[:54]
    labels = DIGITS.target.astype(np.int64).copy()
    labels[drawn] = (labels[drawn] + 3) % 10
    manifest, train, val = opened(digits(targets=labels), TEN, [])
    (check,) = (c for c in labels_of(looking.look(train, val), manifest, TEN) if c.code == "labels-clean")
    (note,) = gate.notes([check])
    assert check.verdict == "pass"
    assert note.startswith("labels-clean: look at some of them: row-")


def test_two_classes_that_changed_names_in_val() -> None:
    names = np.arange(10)
    names[[3, 8]] = names[[8, 3]]
    assert failing(relabelled(slice(1078, 1437), lambda y: names[y])) == {"labels-aligned"}


@pytest.mark.parametrize(
    "how", [lambda x: x.transpose(0, 1, 3, 2), lambda x: x[..., ::-1], lambda x: np.rot90(x, 1, (2, 3))]
)
def test_images_of_val_that_were_turned(how: Any) -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    images[1078:1437] = how(images[1078:1437].copy())
    assert "inputs-alike" in failing(digits(inputs=images))


def test_classes_that_train_lacks() -> None:
    labels = np.where(np.arange(1797) < 1078, DIGITS.target % 5, DIGITS.target).astype(np.int64)
    assert "labels-covered" in failing(digits(targets=labels))
    rare = DIGITS.target.astype(np.int64) % 9
    rare[-3:] = 9
    assert "labels-covered" not in failing(digits(targets=rare))


@pytest.mark.parametrize(
    ("after", "renamed"),
    [
        (lambda y: (y + 1) % 10, True),
        (lambda y: y, False),
        (lambda y: y[::-1], False),
        (lambda y: y * 0.9, False),
        (lambda y: np.eye(10)[y], False),
    ],
)
def test_only_one_rule_for_every_label_is_a_renaming(after: Any, renamed: bool) -> None:
    y = DIGITS.target[:256].astype(np.int64)
    assert bool(augmenting.renaming(y, after(y))) is renamed
