"""The sealed view: train and val rows are handed out, test rows are not; what is no dataset is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables import VALUES, Table, divided

from receipts.data import protocol
from receipts.data.protocol import Dataset
from receipts.data.sealed import SealedData, as_matrix, first_rows, floats, names_of, take
from receipts.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sealed(table: Table, *opened: str, limit: int | None = None) -> SealedData:
    return SealedData(table, divided(table), opened or ("train", "val"), limit)


def test_opened_splits_are_the_manifests_rows() -> None:
    table = Table()
    data = sealed(table)
    train, val = data.subset("train"), data.subset("val")
    assert train.ids == [f"row-{row}" for row in range(12)]
    assert val.ids == [f"row-{row}" for row in range(12, 16)]
    np.testing.assert_array_equal(val.inputs, table.inputs[12:16])
    np.testing.assert_array_equal(val.targets, table.targets[12:16])
    assert (train.entities, train.groups) == (None, None)
    assert names_of([train, val]) == "12 train, 4 val"


def test_only_train_is_thinned() -> None:
    table = Table()
    data = SealedData(table, divided(table), ("train", "val"), None, lambda dataset, rows: rows[::3])
    assert data.subset("train").ids == [f"row-{row}" for row in (0, 3, 6, 9)]
    assert len(data.subset("val")) == 4


def test_the_test_split_is_sealed_in_every_way() -> None:
    data = sealed(Table())
    for look in (
        lambda: data.subset("test"),
        lambda: data.ids("test"),
        lambda: data.rows("test"),
        lambda: data["row-16"],
    ):
        with pytest.raises(Refusal, match="the test split is sealed") as found:
            look()
        assert "only eval.py opens it" in found.value.why
    np.testing.assert_array_equal(data["row-15"], data.dataset.inputs[15])
    with pytest.raises(Refusal, match="the train split is sealed"):
        sealed(Table(), "test").subset("train")
    assert len(sealed(Table(), "test").subset("test")) == 4


def test_what_is_in_no_split_is_nowhere() -> None:
    table = Table()
    part = SealedData(table, divided(table, shares={"train": 0.5, "val": 0.2, "test": 0.2}), ("train", "val"), None)
    for unknown in ("row-19", "nobody"):
        with pytest.raises(KeyError, match=unknown):
            part[unknown]
    with pytest.raises(Refusal, match="there is no split 'dev'"):
        part.subset("dev")


def test_a_limit_takes_the_first_rows_of_each_split() -> None:
    data = sealed(Table(), limit=3)
    assert data.ids("train") == ["row-0", "row-1", "row-2"]
    assert data.ids("val") == ["row-12", "row-13", "row-14"]
    assert len(sealed(Table(), limit=1000).subset("train")) == 12


def test_a_dictionary_of_inputs_is_taken_apart_by_name() -> None:
    table = Table(inputs={"a": np.arange(40.0).reshape(20, 2), "b": np.arange(20)})
    val = sealed(table).subset("val")
    assert isinstance(val.inputs, dict)
    np.testing.assert_array_equal(val.inputs["a"], table.inputs["a"][12:16])
    np.testing.assert_array_equal(val.inputs["b"], [12, 13, 14, 15])
    one = sealed(table)["row-13"]
    assert {name: part.tolist() for name, part in one.items()} == {"a": [26.0, 27.0], "b": 13}
    with pytest.raises(Refusal, match="an estimator cannot take a dictionary of inputs"):
        as_matrix(val)


def test_columns_come_as_texts() -> None:
    table = Table(entities=np.arange(20) // 4, groups=[f"g{row % 2}" for row in range(20)])
    val = sealed(table).subset("val")
    assert val.entities == ["3"] * 4
    assert val.groups == ["g0", "g1", "g0", "g1"]


def test_neighbouring_rows_of_a_memory_map_stay_on_the_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "inputs.npy", Table().inputs)
    table = Table(inputs=np.load(tmp_path / "inputs.npy", mmap_mode="r"))
    train = sealed(table).subset("train")
    assert isinstance(train.inputs, np.ndarray)
    assert np.shares_memory(train.inputs, table.inputs)
    assert np.shares_memory(as_matrix(train), table.inputs)
    scattered = take(table.inputs, np.array([0, 2, 5]))
    assert not np.shares_memory(scattered, table.inputs)
    np.testing.assert_array_equal(scattered, Table().inputs[[0, 2, 5]])


def test_nobody_writes_into_the_dataset_through_a_split() -> None:
    table = Table(inputs={"a": np.zeros((20, 2)), "b": np.arange(20)})
    train = sealed(table).subset("train")
    assert isinstance(train.inputs, dict)
    for part in (train.inputs["a"], train.inputs["b"], train.targets):
        with pytest.raises(ValueError, match="read-only"):
            part += 1
    table.inputs["a"] += 1  # the dataset itself may still be written by its owner


def test_inputs_are_float32_unless_they_are_an_index() -> None:
    found = floats({"x": np.zeros(3), "i": np.arange(3, dtype=np.uint8), "b": np.array([True, False, True])})
    assert isinstance(found, dict)
    assert [part.dtype for part in found.values()] == [np.float32, np.uint8, np.float32]
    same = np.zeros(3, dtype=np.float32)
    assert floats(same) is same
    assert first_rows({"x": np.arange(3)}, 2)["x"].tolist() == [0, 1]  # type: ignore[index]


def test_an_estimator_gets_rows_of_numbers() -> None:
    images = Table(inputs=np.arange(20 * 9, dtype=np.uint8).reshape(20, 1, 3, 3))
    assert as_matrix(sealed(images).subset("val")).shape == (4, 9)


# What is a dataset --------------------------------------------------------------------------------------------------


def test_the_protocol_asks_for_attributes_and_nothing_else() -> None:
    assert isinstance(Table(), Dataset)
    protocol.check(Table())


@pytest.mark.parametrize("name", ["ids", "targets", "files", "kind", "source", "licence", "version", "inputs"])
def test_a_dataset_without_one_of_them_is_refused(name: str) -> None:
    table = Table()
    del table.__dict__[name]
    with pytest.raises(Refusal, match=f"Table is not a dataset: it has no {name}") as found:
        protocol.check(table)
    assert found.value.fix == f"set self.{name} in Table.__init__"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"kind": "fake"}, "Table.kind is 'fake'"),
        ({"ids": [f"row-{row % 19}" for row in range(20)]}, "Table has duplicate ids: row-0"),
        ({"ids": []}, "Table has no rows"),
        ({"ids": ["only one"]}, "Table has 1 ids and 20 inputs"),
        ({"targets": np.zeros(19)}, "Table has 20 ids and 19 targets"),
        ({"inputs": np.zeros((21, 2))}, "Table has 20 ids and 21 inputs"),
        ({"inputs": {"a": np.zeros(20), "b": np.zeros(19)}}, "Table has 20 ids and 19 b"),
        ({"entities": ["e"] * 3}, "Table has 20 ids and 3 entities"),
        ({"groups": ["e"] * 3}, "Table has 20 ids and 3 groups"),
        ({"ids": [f"row-{row}\udcff" for row in range(20)]}, "Table has ids with half a character"),
        ({"groups": ["a", "\ud800"] * 10}, "Table has groups with half a character"),
        ({"times": np.arange(3)}, "Table has 20 ids and 3 times"),
        ({"times": ["e"] * 3}, "Table has 20 ids and 3 times"),
        ({"targets": None}, "Table is not a dataset: it has no targets"),
        ({"inputs": np.array([object()] * 20)}, "Table holds Python objects as inputs"),
        ({"inputs": {"a": np.array(["x", None] * 10, dtype=object)}}, "Table holds Python objects as a"),
        ({"targets": np.array(["x", None] * 10, dtype=object)}, "Table holds Python objects as targets"),
    ],
)
def test_a_dataset_whose_rows_do_not_belong_together_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(Refusal) as found:
        protocol.check(Table(**changes))
    assert what in found.value.what


def test_a_dataset_with_fewer_rows_than_its_manifest_is_refused() -> None:
    manifest = divided(Table())
    with pytest.raises(Refusal, match="the dataset has 18 rows, its manifest divides 20"):
        SealedData(Table(18), manifest, ("train",), None)


def test_maps_are_targets_too() -> None:
    table = Table(targets=np.zeros((20, 7, 7)))
    data = SealedData(table, divided(table, VALUES), ("val",), None)
    assert data.subset("val").targets.shape == (4, 7, 7)
