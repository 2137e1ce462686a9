"""Slices: cut by what train shows, one label for each row, refused where they are not declared as such."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables import Table, divided

from receipts.data import slices
from receipts.data.sealed import SealedData
from receipts.refusal import Refusal


def test_quarters_are_those_of_train_for_every_split() -> None:
    values = [*range(8), 100, -100]
    found = slices.of("quantile", values, [0, 7, 8, 9], list(range(8)))
    first, last = "1 of 4: up to 1.75", "4 of 4: over 5.25"
    assert found == [first, last, last, first]


def test_a_train_that_repeats_itself_makes_fewer_parts() -> None:
    found = slices.of("quantile", [1, 1, 1, 1, 9], [0, 4], [0, 1, 2, 3])
    assert found == ["1 of 2: up to 1", "2 of 2: over 1"]


def test_columns_lengths_and_rarity() -> None:
    assert slices.of("column", [True, "b"], [1, 0], [0]) == ["b", "True"]
    assert slices.of("length", ["a", "bb", "ccc", "dddd"], [0, 3], [0, 1, 2, 3])[1].startswith("4 of 4: over 3.25")
    words = ["often"] * 10 + ["seldom"] + ["never"]
    assert slices.of("rarity", words, [0, 10, 11], range(11)) == [
        *("10 times or more in train", "1 to 9 times in train", "0 times in train"),
    ]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (["a"] * 20, "no dictionary"),
        ({"ink": [1.0] * 20}, r"no \(kind, values\)"),
        ({"ink": ("quartile", [1.0] * 20)}, r"no \(kind, values\)"),
        ({"ink": ("column", [1.0] * 19)}, "20 ids and 19 values for the slice 'ink'"),
        ({"ink": ("quantile", [float("nan")] * 20)}, "NaN"),
        ({"ink": ("quantile", ["much"] * 20)}, "no number"),
        ({"ink": ("length", [3] * 20)}, "without a length"),
    ],
)
def test_what_is_no_slice_is_refused(declared: Any, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = divided(Table())
    with pytest.raises(Refusal, match=told):
        SealedData(Table(slices=declared), manifest, ("val",), None)


def test_a_subset_knows_the_slices_of_its_own_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = Table(slices={"row": ("quantile", np.arange(20)), "odd": ("column", np.arange(20) % 2)})
    val = SealedData(table, divided(table), ("val",), None).subset("val")
    assert val.slices == {"row": ["4 of 4: over 8.25"] * 4, "odd": ["0", "1", "0", "1"]}
