"""Columns of train that follow from lines of test: whatever was fitted on all rows, and nothing that was not."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from folders import shipped_data
from scipy.stats import rankdata

from receipts.data import followed, splits
from receipts.guards.data import centring

DRAWN = np.random.default_rng(0).permutation(442)
TRAIN, TEST = np.sort(DRAWN[:265]), np.sort(DRAWN[353:])
FILES = ["data/diabetes_data_raw.csv.gz", "data/diabetes_target.csv.gz"]
Make = Callable[[pd.DataFrame, np.ndarray], Any]


@pytest.fixture
def here(tmp_path: Path) -> Any:
    """A folder with the patients, worked in."""
    shipped_data(tmp_path, "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")
    with contextlib.chdir(tmp_path):
        yield tmp_path


def read(make: Make, files: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """What a dataset would hold: ten measurements as somebody makes them, and the progression."""
    load = np.load if files[0].endswith(".npy") else np.loadtxt
    x, y = (load(file) for file in files)
    return np.asarray(make(pd.DataFrame(x), y), np.float32), y.astype(np.float32)


def columns(make: Make, train: np.ndarray = TRAIN, files: list[str] | None = None) -> list[int]:
    """The columns that are told."""
    files = files or FILES
    found, y = read(make, files)
    dataset = SimpleNamespace(files=files, ids=list(range(len(y))), targets=y)
    told = followed.columns(dataset, found, train, TEST, lambda: read(make, files))
    assert not isinstance(told, str), told
    return told


def holed(x: pd.DataFrame) -> pd.DataFrame:
    """Every ninth patient without one of the measurements."""
    return x.mask(np.add.outer(np.arange(len(x)) * 7, np.arange(10)) % 90 == 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: (x - x.min()) / (x.max() - x.min()),
        lambda x, y: x.rank(pct=True),
        lambda x, y: rankdata(x, axis=0),
        lambda x, y: x @ np.linalg.svd(x.to_numpy(), full_matrices=False)[2][:3].T,
        lambda x, y: x[x.corrwith(pd.Series(y)).abs().nlargest(8).index],
        lambda x, y: x.apply(lambda c: pd.qcut(c.rank(method="first"), 10, labels=False)),
        lambda x, y: holed(x).fillna(x.median() + x.mean()),
    ],
    ids=["range", "percentiles", "ranks", "axes", "chosen", "bins", "gaps"],
)
def test_what_was_fitted_on_all_rows(here: Path, make: Make) -> None:
    assert columns(make)


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: x,
        lambda x, y: (x - x.iloc[TRAIN].mean()) / x.iloc[TRAIN].std(),
        lambda x, y: x.sub(x.mean(axis=1), axis=0),
        lambda x, y: x.assign(before=x[3].shift(1).fillna(0), after=x[3].shift(-1).fillna(0)),
        lambda x, y: x.assign(code=pd.factorize(x[0])[0]),
        lambda x, y: holed(x).fillna(-1),
    ],
    ids=["as they are", "train's moments", "each row's mean", "neighbours", "codes", "a mark for gaps"],
)
def test_what_was_not(here: Path, make: Make) -> None:
    assert columns(make) == []


def test_statistics_of_train_and_val_together_are_not_of_test(here: Path) -> None:
    known = np.setdiff1d(np.arange(442), TEST)
    assert columns(lambda x, y: x - x.iloc[known].mean()) == []


def test_arrays_are_changed_as_lines_are(here: Path) -> None:
    for file, name in zip(FILES, ("x.npy", "y.npy"), strict=True):
        np.save(here / name, np.loadtxt(file))
    assert columns(lambda x, y: x / x.max(), files=["x.npy", "y.npy"])
    assert columns(lambda x, y: x, files=["x.npy", "y.npy"]) == []


def test_rows_in_another_order_than_lines_are_not_judged(here: Path) -> None:
    def ordered(files: list[str]) -> tuple[np.ndarray, np.ndarray]:
        x, y = read(lambda x, y: x - x.mean(), files)
        order = np.argsort(y, kind="stable")
        return x[order], y[order]

    found, y = ordered(FILES)
    dataset = SimpleNamespace(files=FILES, ids=list(range(442)), targets=y)
    told = followed.columns(dataset, found, TRAIN, TEST, lambda: ordered(FILES))
    assert told == "its labels do not change with the lines of their rows"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("/etc/hostname", "outside"),
        ("../away.csv", "outside"),
        ("notes.txt", "to a row"),
        ("broken.npy", "to a row"),
    ],
)
def test_files_that_cannot_be_changed_line_by_line(here: Path, file: str, reason: str) -> None:
    (here / "notes.txt").write_text("one line")
    (here / "broken.npy").write_bytes(followed.ARRAY + b"no more")
    assert reason in str(followed.Tables.of(SimpleNamespace(files=[file], ids=list(range(442)))))


def test_files_beyond_the_limit_are_not_copied(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (here / FILES[0]).stat().st_size + (here / FILES[1]).stat().st_size
    for limit in (100, size + 1000):
        monkeypatch.setattr(followed, "LARGEST", limit)
        assert followed.Tables.of(SimpleNamespace(files=FILES, ids=list(range(442)))) == followed.TOO_LARGE


def test_a_dataset_that_cannot_be_built_again_or_has_other_rows_then(here: Path) -> None:
    found, y = read(lambda x, y: x - x.mean(), FILES)
    dataset = SimpleNamespace(files=FILES, ids=list(range(442)), targets=y)
    assert followed.columns(dataset, found, TRAIN, TEST, lambda: "nobody can") == "nobody can"
    assert "shape" in followed.columns(dataset, found, TRAIN, TEST, lambda: (found[1:], y[1:]))
    assert "5 rows" in followed.columns(dataset, found, TRAIN, TEST[:5], lambda: (found, y))


class Patients:
    """The patients' measurements as they are; refuses two that are alike where it is told to."""

    files = FILES

    def __init__(self, picky: bool) -> None:
        self.inputs, self.targets = read(lambda x, y: x, FILES)
        self.ids = [str(row) for row in range(442)]
        if picky and len(np.unique(self.inputs, axis=0)) < 442:
            raise ValueError("a patient twice")


@pytest.mark.parametrize(
    ("picky", "told", "said"),
    [(False, [], "changes none of train"), (True, "ValueError: a patient twice", "not asked")],
)
def test_a_question_that_was_not_asked_is_told(here: Path, picky: bool, told: Any, said: str) -> None:
    plan: Any = SimpleNamespace(call={"_target_": "lab.patients.Patients", "picky": picky})
    dataset = Patients(picky)
    found = splits.following(plan, dataset, dataset.inputs, {"train": TRAIN, "test": TEST})
    assert found == told or str(told) in found
    assert said in centring.changing(found)
    assert "receipts split" in centring.changing(msgspec.UNSET)
    assert "one at a time" in splits.following(plan, SimpleNamespace(), None, {})
