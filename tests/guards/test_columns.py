"""Checks of columns and pixels that tell the label: faults that are caught, and look-alikes that are not."""

from pathlib import Path

import numpy as np
import pytest
from examined import DIGITS, PATIENTS, VALUE, digits, failing, with_column
from sklearn import datasets
from tables import Table

from receipts.config.schema import Task
from receipts.guards.data import centring


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_column_that_is_the_label() -> None:
    rng = np.random.default_rng(0)
    assert failing(with_column(PATIENTS.target + rng.normal(0, 5, 442)), VALUE) == {"feature-leaks-the-label"}
    strong = PATIENTS.target + rng.normal(0, 40, 442)
    assert failing(with_column(strong), VALUE) == set()
    names = {f"c{number}": True for number in range(11)}
    assert failing(with_column(PATIENTS.target + rng.normal(0, 5, 442), features=names), VALUE) == set()
    assert failing(with_column(strong, features=names | {"c10": False}), VALUE) == {"feature-leaks-the-label"}


def test_a_class_among_the_columns() -> None:
    bunch = datasets.load_wine()
    order = np.random.default_rng(1).permutation(178)
    x, y = bunch.data[order][:, [0, 2, 3]], bunch.target[order].astype(np.int64)
    three = Task(kind="classification", classes=3, primary="accuracy")
    leaking = np.column_stack([x, y + np.random.default_rng(0).normal(0, 0.05, 178)]).astype(np.float32)
    assert failing(Table(178, inputs=leaking, targets=y), three) == {"feature-leaks-the-label"}
    assert failing(Table(178, inputs=x.astype(np.float32), targets=y), three) == set()


def test_a_label_under_other_names_among_strong_columns() -> None:
    bunch = datasets.load_wine()
    order = np.random.default_rng(1).permutation(178)
    x, y = bunch.data[order], bunch.target[order].astype(np.int64)
    three = Task(kind="classification", classes=3, primary="accuracy")
    renamed = np.column_stack([x, np.array([7, -2, 3])[y]]).astype(np.float32)
    assert failing(Table(178, inputs=renamed, targets=y), three) == {"feature-leaks-the-label"}
    mostly = np.column_stack([x, np.where(np.arange(178) % 9, np.array([7, -2, 3])[y], 3)]).astype(np.float32)
    assert failing(Table(178, inputs=mostly, targets=y), three) == set()


@pytest.mark.parametrize("size", [1, 2])
def test_a_label_that_is_painted_into_a_corner(size: int) -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    named = np.random.default_rng(0).permutation(10)[DIGITS.target] / np.float32(9)
    images[:, 0, :size, :size] = named[:, None, None]
    assert failing(digits(inputs=images)) == {"feature-leaks-the-label"}


def test_bright_and_dark_images_are_told_apart_by_every_pixel() -> None:
    images = np.random.default_rng(0).random((500, 1, 8, 8)).astype(np.float32) * np.float32(0.4)
    y = np.arange(500) % 2
    images[y == 1] += np.float32(0.5)
    two = Task(kind="classification", classes=2, primary="accuracy")
    assert failing(Table(500, inputs=images, targets=y), two) == set()


@pytest.mark.parametrize(("by", "caught"), [("class", True), ("all", False), ("group", False)])
@pytest.mark.parametrize("flat", [True, False])
def test_gaps_that_are_filled_with_the_mean_of_the_class(by: str, caught: bool, flat: bool) -> None:
    draws, images = np.random.default_rng(0), (DIGITS.images[:, None] / 16).astype(np.float32)
    groups = {"class": DIGITS.target, "all": 0 * DIGITS.target, "group": np.arange(1797) % 10}[by]
    means = np.stack([images[groups == group].mean(0) for group in np.unique(groups)])
    images = np.where(draws.random(images.shape) < 0.1, means[groups], images)
    images = images.reshape(1797, 64) if flat else images
    assert failing(digits(inputs=images)) == ({"feature-leaks-the-label"} if caught else set())


def test_equal_samples_with_unlike_labels() -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    images[1:200:2] = images[0:200:2]
    assert "labels-contradict" in failing(digits(inputs=images))
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    images[1:9:2] = images[0:9:2][:4]  # four slips of a hand
    assert failing(digits(inputs=images)) == set()


def test_a_mean_of_all_rows_is_told_where_the_code_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    images = (DIGITS.images[:, None] / 16).astype(np.float32)
    table = digits(inputs=images - images.mean(0))
    assert failing(table) == set()  # the files may have come so
    monkeypatch.setattr(centring, "reduces", lambda experiment: "src/lab/digits.py:7: np.average(images, 0)")
    assert failing(table) == {"statistics-of-all"}
    assert failing(digits()) == set()


def test_a_number_that_names_whom_rows_belong_to() -> None:
    halves = np.concatenate([DIGITS.images[:, ::2], DIGITS.images[:, 1::2]]).reshape(-1, 32)
    who, y = np.tile(np.random.default_rng(0).permutation(1797), 2), np.tile(DIGITS.target, 2).astype(np.int64)
    order = np.random.default_rng(1).permutation(len(y))
    rows = np.column_stack([halves, who])[order].astype(np.float32)
    assert failing(Table(len(y), inputs=rows, targets=y[order])) == {"entities-undeclared"}
    assert failing(Table(len(y), inputs=rows[:, :32], targets=y[order])) == set()
    people = [str(each) for each in who[order]]
    assert "entity-overlap" in failing(Table(len(y), inputs=rows, targets=y[order], entities=people))
    kinds = np.column_stack([halves, np.tile(DIGITS.images.sum((1, 2)) // 8, 2)])[order].astype(np.float32)
    assert failing(Table(len(y), inputs=kinds, targets=y[order])) == set()  # a quantity that repeats
