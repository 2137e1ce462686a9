"""Predictions as they are stored: what comes back, and which files are refused."""

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predicted import BINARY, DIGITS, VALUES, classes, ids, same
from pyarrow import parquet

from receipts.evaluation import received
from receipts.evaluation.predictions import Predictions, from_outputs
from receipts.evaluation.storage import read, write
from receipts.refusal import Refusal


def examples() -> list[Predictions]:
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(6, 70, 70)).astype(np.float32)
    texts = np.array(["", "é", "line\nline", "x" * 500])
    return [
        classes(4, answer=texts, length=np.arange(4), attention=rng.normal(size=(4, 2, 3)), sure=np.array([True] * 4)),
        from_outputs(np.full((3, 3), 1 / 3), ids(3), DIGITS, None, entities=["ä", "b", "b"], groups=["g", "g", "h"]),
        from_outputs(maps, ids(6), VALUES, maps + 1),
        from_outputs(rng.normal(size=5), ids(5), VALUES, rng.normal(size=5)),
        from_outputs(rng.normal(size=(5, 1)), ids(5), VALUES, None),
    ]


@pytest.mark.parametrize("case", range(5))
def test_round_trip_and_equal_bytes(case: int, tmp_path: Path) -> None:
    predictions = examples()[case]
    first = write(predictions, tmp_path / "a.parquet")
    same(predictions, read(tmp_path / "a.parquet"))
    same(predictions, received.read(tmp_path / "a.parquet"))
    assert write(read(tmp_path / "a.parquet"), tmp_path / "b.parquet") == first
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


def test_the_columns_of_the_file(tmp_path: Path) -> None:
    labelled, unlabelled, maps, *_ = examples()
    for name, predictions in {"c": labelled, "u": unlabelled, "m": maps}.items():
        write(predictions, tmp_path / name)
    schema = parquet.read_schema(tmp_path / "c")
    assert schema.names == ["sample_id", "target", "prediction", "probabilities", "metadata"]
    assert schema.field("probabilities").type == pa.list_(pa.float32(), 3)
    assert schema.field("target").type == schema.field("prediction").type == pa.int64()
    names = parquet.read_schema(tmp_path / "u").names
    assert names == ["sample_id", "entity_id", "group", "prediction", "probabilities"]
    assert parquet.read_schema(tmp_path / "m").names == ["sample_id", "target", "value"]
    assert parquet.read_schema(tmp_path / "m").field("value").type == pa.list_(pa.float32(), 4900)
    assert parquet.read_table(tmp_path / "c").to_pandas()["prediction"].tolist() == labelled.prediction.tolist()


def test_a_million_rows(tmp_path: Path) -> None:
    n = 1_000_000
    stated = np.random.default_rng(0).dirichlet([1, 1, 1], n)
    predictions = from_outputs(stated, ids(n), DIGITS, np.arange(n) % 3)
    write(predictions, tmp_path / "many.parquet")
    same(predictions, read(tmp_path / "many.parquet"))
    spent, size = [], sum(array.nbytes for array in (stated, predictions.targets) if array is not None)
    for look in (received.unpacked, read):
        began = time.process_time()
        look(tmp_path / "many.parquet")
        spent.append(time.process_time() - began)
    assert size < received.unpacked(tmp_path / "many.parquet") < 2 * size
    assert spent[0] < 0.1 * spent[1], "it is 0.005 of the reading"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "val.parquet"
    write(classes(4), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write(classes(5), path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["val.parquet"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"\x80\x04\x95" + data,  # a pickle's first bytes
        lambda data: data[:100] + bytes([data[100] ^ 0xFF]) + data[101:],
    ],
)
def test_a_damaged_file(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "val.parquet"
    write(classes(400), path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(Refusal) as caught:
        read(path)
    assert f"{path} is not a readable predictions file" in str(caught.value)
    assert "python eval.py run_id=RUN" in str(caught.value)


def test_a_missing_a_foreign_and_an_altered_file(tmp_path: Path) -> None:
    path = tmp_path / "val.parquet"
    with pytest.raises(Refusal, match="is not a readable predictions file"):
        read(path)
    parquet.write_table(pa.table({"sample_id": ["a"], "prediction": [1]}), path)
    with pytest.raises(Refusal, match="is not a readable predictions file"):
        read(path)
    write(classes(4), path)
    table = parquet.read_table(path)
    place = table.column_names.index("prediction")
    for altered, why in (
        (table.set_column(place, "prediction", pa.array([1, 1, 1, 1])), "not the most probable class"),
        (table.set_column(place, "prediction", pa.array([1, None, 1, 1])), "1 cells are empty"),
        (table.drop_columns(["probabilities"]), "probabilities"),
        (
            table.replace_schema_metadata({"receipts.predictions": '{"schema": 2}'}),
            "its schema is 2, this core reads 1",
        ),
    ):
        parquet.write_table(altered, path)
        with pytest.raises(Refusal) as caught:
            read(path)
        assert why in str(caught.value)


@settings(max_examples=30, deadline=None, database=None)
@given(st.integers(1, 30), st.sampled_from([(), (1,), (3, 2)]), st.booleans(), st.integers(0, 2**32 - 1))
def test_any_values_come_back(
    tmp_path_factory: pytest.TempPathFactory, n: int, shape: tuple[int, ...], labelled: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    stated, targets = rng.normal(size=(2, n, *shape)) * 10.0 ** rng.integers(-30, 30)
    predictions = from_outputs(stated, ids(n), VALUES, targets if labelled else None)
    path = tmp_path_factory.mktemp("any") / "p.parquet"
    write(predictions, path)
    same(predictions, read(path))


def test_slices_are_stored_beside_the_predictions_under_names_of_their_own(tmp_path: Path) -> None:
    slices = {"ink": ["low", "high"], "sample_id": ["a", "b"]}
    found = from_outputs(np.eye(2), ids(2), BINARY, np.array([0, 1]), slices=slices)
    write(found, tmp_path / "val.parquet")
    assert {"slice:ink", "slice:sample_id", "sample_id"} <= set(parquet.read_schema(tmp_path / "val.parquet").names)
    same(read(tmp_path / "val.parquet"), found)
    with pytest.raises(Refusal, match="slice:ink: 1 rows for 2 samples"):
        from_outputs(np.eye(2), ids(2), BINARY, np.array([0, 1]), slices={"ink": ["low"]})
