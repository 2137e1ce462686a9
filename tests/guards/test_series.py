"""Checks of tables on real patients: windows of a series, means of labels, moments that nobody declared."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examined import DIGITS, PATIENTS, VALUE, failing, opened, with_column
from tables import Table

from receipts.data import encoded as encodings
from receipts.guards.data import overlap


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_values_that_a_few_rows_share_are_no_means_of_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = np.where(rng.random((1500, 6)) < 0.3, rng.integers(0, 200, (1500, 6)), 0)
    assert encodings.columns(draws, DIGITS.target[:1500], np.arange(900)) == []
    assert encodings.columns(PATIENTS.data, PATIENTS.target, np.arange(265)) == []
    assert encodings.columns(DIGITS.data, DIGITS.target, np.arange(1078)) == []


def test_windows_of_a_series_that_were_divided_at_random() -> None:
    series = DIGITS.images.mean((1, 2)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series, 13)
    drawn = np.random.default_rng(0).permutation(len(windows))
    apart = windows[np.r_[0:1000, 1012:1400, 1412:1785]]
    for rows, names in (
        (windows[drawn], {"near-duplicates"}),
        (windows, set()),
        (windows[::-1], set()),
        (apart, set()),
    ):
        assert failing(Table(len(rows), inputs=rows[:, :12].copy(), targets=rows[:, 12].copy()), VALUE) == names
    words = np.zeros((900, 40), np.float32)  # a row of nought but for a word is no window of a series
    words[np.arange(900), np.random.default_rng(0).integers(0, 40, 900)] = 1
    assert failing(Table(900, inputs=words, targets=words @ np.arange(40.0, dtype=np.float32)), VALUE) == set()


def encoded(column: Any, rows: Any, smooth: float = 0) -> Any:
    y = PATIENTS.target
    sums, n = (np.bincount(column[rows], of, minlength=column.max() + 1) for of in (y[rows], np.ones(len(rows))))
    return ((sums + smooth * y[rows].mean()) / np.maximum(n + smooth, 1))[column]


@pytest.mark.parametrize(
    ("rows", "smooth", "after", "caught"),
    [
        (range(442), 0, lambda v: v, True),
        (range(442), 5, lambda v: v / 100 - 1, True),
        (range(265), 0, lambda v: v, False),
        (range(265), 5, lambda v: v, False),
    ],
)
def test_mean_labels_of_all_rows_in_the_place_of_a_category(
    rows: range, smooth: float, after: Any, caught: bool
) -> None:
    doctor = np.random.default_rng(0).permutation(np.arange(442) % 60)
    column = after(encoded(doctor, np.array(rows), smooth))
    assert failing(with_column(column), VALUE) == ({"statistics-of-all"} if caught else set())


@pytest.mark.parametrize(("own", "caught"), [(True, True), (False, False)])
def test_mean_labels_of_people_who_stand_in_one_split(own: bool, caught: bool) -> None:
    """Each person's mean takes in the very labels to be predicted; the mean over other rows of theirs does not."""
    person = np.arange(1797) // 9
    labels = DIGITS.target.astype(np.float64) ** 1.5 + person / 20
    before = np.arange(1797) % 9 < 4
    counted = np.ones(1797, dtype=bool) if own else before
    usual = np.bincount(person[counted], labels[counted]) / np.bincount(person[counted])
    asked = np.ones(1797, dtype=bool) if own else ~before
    column, train = usual[person][asked], np.flatnonzero(person[asked] < 120)
    assert encodings.columns(column[:, None], labels[asked], train) == ([0] if caught else [])
    assert encodings.columns(person[asked][:, None] * 1.0, person[asked] * 2.0, train) == [], "follows, and is no mean"


SECONDS = 1.4e9 + 86400.0 * np.arange(442)

DAYS = np.array([20140101 + 100 * (row // 28 % 12) + row % 28 for row in range(442)])


@pytest.mark.parametrize(
    ("column", "noted"),
    [
        (SECONDS[::-1], True),
        (SECONDS[::-1] * 1000, True),
        (DAYS, True),
        (DAYS // 100 + 100 * (np.arange(442) % 9), True),
        (SECONDS, False),  # in order, as they were divided
        (np.arange(442) + 20140000.0, False),  # no days
        (1e9 * np.random.default_rng(0).random(442), False),
    ],
)
def test_moments_that_nobody_declared_are_told_and_fail_nothing(column: Any, noted: bool) -> None:
    table = with_column(column)
    manifest, _, _ = opened(table, VALUE, [])
    (check,) = (each for each in overlap.overlaps(manifest) if each.code == "time-order")
    assert (check.verdict, "column 10 holds moments" in check.evidence) == ("not applicable", noted)
    table.times = np.arange(442)
    assert "NOTE" not in list(overlap.overlaps(opened(table, VALUE, [])[0]))[-1].evidence
