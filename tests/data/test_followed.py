"""Columns of train that follow from lines of test: whatever was fitted on all rows, and nothing that was not."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from folders import shipped_data
from scipy.stats import rankdata

from receipts.data import followed

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
    return followed.columns(dataset, found, train, TEST, lambda: read(make, files))


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
    assert followed.columns(dataset, found, TRAIN, TEST, lambda: ordered(FILES)) == []


@pytest.mark.parametrize("files", [["/etc/hostname"], ["../away.csv"], ["notes.txt"], ["broken.npy"]])
def test_files_that_cannot_be_changed_line_by_line(here: Path, files: list[str]) -> None:
    (here / "notes.txt").write_text("one line")
    (here / "broken.npy").write_bytes(followed.ARRAY + b"no more")
    assert followed.Tables.of(SimpleNamespace(files=files, ids=list(range(442)))) is None


def test_files_beyond_the_limit_are_not_copied(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (here / FILES[0]).stat().st_size + (here / FILES[1]).stat().st_size
    for limit in (100, size + 1000):
        monkeypatch.setattr(followed, "LARGEST", limit)
        assert followed.Tables.of(SimpleNamespace(files=FILES, ids=list(range(442)))) is None


def test_a_dataset_that_cannot_be_built_again_or_has_other_rows_then(here: Path) -> None:
    found, y = read(lambda x, y: x - x.mean(), FILES)
    dataset = SimpleNamespace(files=FILES, ids=list(range(442)), targets=y)
    for again in (lambda: None, lambda: (found[1:], y[1:])):
        assert followed.columns(dataset, found, TRAIN, TEST, again) == []
    assert followed.columns(dataset, found, TRAIN, TEST[:5], lambda: (found, y)) == []
