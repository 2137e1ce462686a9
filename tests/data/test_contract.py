"""What must be true of the data before anything is learnt."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables import CLASSES, VALUES, Table, divided

from receipts.config.schema import Task
from receipts.data import contract
from receipts.data.manifest import Manifest
from receipts.data.sealed import SealedData
from receipts.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def look(table: Table, task: Task = CLASSES, manifest: Manifest | None = None, limit: int | None = None) -> list[Any]:
    opened = ("train", "val")
    return contract.check(SealedData(table, manifest or divided(table, task), opened, limit), task)


def refused(table: Table, task: Task = CLASSES, manifest: Manifest | None = None) -> Refusal:
    with pytest.raises(Refusal) as found:
        look(table, task, manifest)
    return found.value


def test_data_as_they_were_pass_and_every_check_says_what_it_saw() -> None:
    found = {check.code: (check.verdict, check.evidence) for check in look(Table())}
    assert found == {
        "train-content": ("pass", "12 inputs and labels hash as when the split was made"),
        "val-content": ("pass", "4 inputs and labels hash as when the split was made"),
        "row-counts": ("pass", "12 train, 4 val rows, as the manifest divides them"),
    }
    assert "3 train, 3 val" in look(Table(), limit=3)[-1].evidence


def test_one_bit_of_one_sample_is_seen() -> None:
    manifest = divided(Table())
    table = Table()
    table.inputs[13, 2] = np.nextafter(table.inputs[13, 2], np.float32(9))
    found = refused(table, manifest=manifest)
    assert found.what == "1 inputs of val are not those the split was made from"
    assert found.why == "first of them row-13: the files are the same, so the code that reads them changed"


def test_one_changed_label_is_seen() -> None:
    manifest = divided(Table())
    table = Table(targets=np.arange(20) % 3)
    table.targets[[2, 5]] = 0
    found = refused(table, manifest=manifest)
    assert found.what == "2 labels of train are not those the split was made from"
    assert "row-2, row-5" in found.why


def test_rows_in_another_order_are_other_rows() -> None:
    manifest = divided(Table())
    table = Table()
    table.inputs, table.targets, table.ids = table.inputs[::-1], table.targets[::-1], table.ids[::-1]
    assert "inputs of train are not those" in refused(table, manifest=manifest).what


def test_a_sealed_split_is_not_looked_at() -> None:
    manifest = divided(Table())
    table = Table()
    table.inputs[17] = np.nan
    table.targets[17] = 99
    look(table, manifest=manifest)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["inputs", "dictionary", "targets", "maps"])
def test_numbers_that_are_none_are_refused_with_their_rows(value: float, place: str) -> None:
    table = Table(targets=np.zeros((20, 3, 3) if place == "maps" else 20))
    if place == "dictionary":
        table.inputs = {"a": table.inputs.copy(), "b": table.inputs}
    manifest = divided(table, VALUES)
    damaged = table.inputs if place == "inputs" else table.inputs["a"] if place == "dictionary" else table.targets
    damaged[13] = value
    found = refused(table, VALUES, manifest)
    name = {"dictionary": "a", "maps": "targets"}.get(place, place)
    assert found.what == f"1 rows of val have NaN or infinite {name}"
    assert found.why == "first of them row-13"


@pytest.mark.parametrize(
    ("targets", "what"),
    [
        (np.where(np.arange(20) == 13, 3, 0), "1 labels of val lie outside 0 … 2"),
        (np.where(np.arange(20) == 3, -1, 0), "1 labels of train lie outside 0 … 2"),
        (np.arange(20) % 3 * 1.0, "class labels are float64 of shape (12,)"),
        (np.eye(3, dtype=int)[np.arange(20) % 3], "class labels are int64 of shape (12, 3)"),
        (np.array(["a", "b"] * 10), "class labels are <U1 of shape (12,)"),
        (np.array([True, False] * 10), "class labels are bool of shape (12,)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(targets: Any, what: str) -> None:
    assert refused(Table(targets=targets)).what == what


def test_every_integer_type_holds_labels() -> None:
    for kind in (np.int8, np.uint8, np.int32, np.uint64):
        look(Table(targets=(np.arange(20) % 3).astype(kind)))


def test_a_file_that_nobody_checks_is_refused() -> None:
    manifest = divided(Table())
    assert "reads ['data/new.csv']" in refused(Table(files=["data/new.csv"]), manifest=manifest).what


@pytest.mark.parametrize("name", ["source", "licence", "version", "kind"])
def test_a_dataset_that_describes_itself_otherwise_is_refused(name: str) -> None:
    manifest = divided(Table())
    changed = Table(**{name: "synthetic"})
    assert refused(changed, manifest=manifest).what == f"the dataset calls its {name} 'synthetic'"


def test_hashes_that_are_not_the_manifests_are_refused() -> None:
    manifest = divided(Table())
    other = copy.deepcopy(manifest)
    path = Path("splits/table.npz")
    whole = path.read_bytes()
    for content in (whole[:-1], whole + b"\0", b""):
        path.write_bytes(content)
        assert "splits/table.npz is not the file its manifest names" in refused(Table(), manifest=other).what
    path.unlink()
    assert "splits/table.npz is not the file its manifest names" in refused(Table(), manifest=other).what
