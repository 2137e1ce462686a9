"""Checks of the data on real digits and patients: what raises nothing, and splits that share rows."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from examined import DIGITS, PATIENTS, VALUE, digits, failing, patients, planted
from sklearn import datasets
from tables import Table

from receipts.config.schema import Task
from receipts.data.facts import Copies, Facts, NearDuplicates, Twins
from receipts.guards.data import overlap


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("table", [digits(), digits(inputs=DIGITS.data.astype(np.float32) / 16)])
def test_real_digits_raise_nothing(table: Table) -> None:
    assert failing(table) == set()


def test_real_patients_raise_nothing_whatever_their_units() -> None:
    assert failing(patients(), VALUE) == set()
    scale = np.logspace(-3, 3, 10, dtype=np.float32)
    assert failing(patients(inputs=PATIENTS.data.astype(np.float32) * scale + 7), VALUE) == set()


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_small_real_tables_in_any_order_raise_nothing(name: str) -> None:
    bunch = getattr(datasets, f"load_{name}")()
    order = np.random.default_rng(1).permutation(len(bunch.target))
    table = Table(len(order), inputs=bunch.data[order].astype(np.float32), targets=bunch.target[order].astype(np.int64))
    assert failing(table, Task(kind="classification", classes=3, primary="accuracy")) == set()


def copied(x: Any) -> None:
    x[:40] = x[-40:]


def mirrored(x: Any) -> None:
    x[:40] = x[-40:, :, :, ::-1]


def noisy(x: Any) -> None:
    x[1078:1118] = x[:40] + np.random.default_rng(0).normal(0, 0.02, x[:40].shape)


def val_in_test(x: Any) -> None:
    x[-40:] = x[1100:1140] * np.float32(0.995)


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (copied, "split-overlap"),
        (mirrored, "near-duplicates"),
        (noisy, "near-duplicates"),
        (val_in_test, "near-duplicates"),
    ],
)
def test_copies_across_splits_are_caught(how: Any, name: str) -> None:
    assert name in failing(planted(how))


@pytest.mark.parametrize("how", [lambda v: v * 2.54, lambda v: v[::-1], lambda v: 0 * v])
def test_rows_that_are_others_but_for_one_column_are_caught(how: Any) -> None:
    x = PATIENTS.data.astype(np.float32)
    x[265:275] = x[:10]
    x[265:275, 2] = how(x[:10, 2])
    assert failing(patients(inputs=x), VALUE) == {"near-duplicates"}


def test_a_grid_of_settings_and_twice_measured_people_have_such_rows_everywhere() -> None:
    steps = np.arange(6)
    grid = np.stack(np.meshgrid(steps, steps, steps, steps), -1).reshape(-1, 4).astype(np.float32)
    values = (grid**2).sum(1) + np.random.default_rng(0).normal(0, 1, len(grid)).astype(np.float32)
    drawn = np.random.default_rng(1).permutation(len(grid))
    assert failing(Table(len(grid), inputs=grid, targets=values), VALUE) == set()
    assert failing(Table(len(grid), inputs=grid[drawn], targets=values[drawn]), VALUE) == set()


def test_duplicates_inside_train_and_coarse_tables_are_natural() -> None:
    table = digits()
    table.inputs = table.inputs.copy()
    table.inputs[:100] = table.inputs[100:200]
    table.targets = table.targets.copy()
    table.targets[:100] = table.targets[100:200]
    assert failing(table) == set()
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 3, (600, 4)).astype(np.float32)
    labels = (coarse.sum(1) + rng.integers(0, 2, 600) > 4).astype(np.int64)
    two = Task(kind="classification", classes=2, primary="accuracy")
    assert failing(Table(600, inputs=coarse, targets=labels), two) == set()


def test_rows_that_were_multiplied_before_they_were_divided_are_caught() -> None:
    order = np.random.default_rng(0).permutation(1500)
    images = (DIGITS.images[:750, None] / 16).astype(np.float32)
    both = np.concatenate([images, images[:, :, :, ::-1] + np.float32(0.01)])[order]
    labels = np.concatenate([DIGITS.target[:750]] * 2).astype(np.int64)[order]
    assert "near-duplicates" in failing(Table(1500, inputs=both, targets=labels))


@pytest.mark.parametrize(
    ("n", "of", "inside", "by_accident", "caught"),
    [
        (0, 1000, 0.0, 0.0, False),
        (1, 1000, 0.0, 0.0, False),
        (5, 1000, 0.0, 0.0, True),
        (5, 1000, 0.006, 0.0, False),
        (50, 1000, 0.3, 0.0, True),
        (50, 1000, 0.3, 40.0, False),
        (900, 1000, 0.3, 40.0, True),
    ],
)
def test_how_many_copies_are_too_many(n: int, of: int, inside: float, by_accident: float, caught: bool) -> None:
    assert overlap.is_copied(Copies("val", n, of, inside, by_accident, [])) is caught


@pytest.mark.parametrize(
    ("n", "inside", "by_accident", "caught"),
    [
        (2, 0.0, 0.0, False),
        (40, 0.0, 0.0, True),
        (40, 0.03, 0.0, False),
        (300, 0.3, 0.0, True),
        (300, 0.3, 0.002, False),
    ],
)
def test_how_many_twins_are_too_many(n: int, inside: float, by_accident: float, caught: bool) -> None:
    assert overlap.is_leaked(Twins("val", n, 1000, inside, by_accident, [])) is caught


def test_a_manifest_of_an_older_core_says_what_is_not_run() -> None:
    old = Facts(None, None, 0, NearDuplicates(0, "pixel", 0.05))
    verdicts = {check.code: check.verdict for check in overlap.overlaps(SimpleNamespace(facts=old))}  # type: ignore[arg-type]
    assert verdicts == {
        "split-overlap": "not run",
        "near-duplicates": "not run",
        "entity-overlap": "not applicable",
        "time-order": "not applicable",
    }


def test_declared_entities_and_times_are_held_to() -> None:
    people = [f"person-{row // 5}" for row in range(442)]
    assert failing(patients(entities=people, times=np.arange(442)[::-1]), VALUE) == {"entity-overlap", "time-order"}
    assert failing(patients(entities=[f"p{row}" for row in range(442)], times=np.arange(442)), VALUE) == set()
