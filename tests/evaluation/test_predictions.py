"""Predictions: what is taken, what is refused and in which words, and that a stored file says the same again."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from receipts.config.schema import Task
from receipts.evaluation.predictions import Predictions, check_complete, from_outputs
from receipts.evaluation.promises import check_labels
from receipts.evaluation.storage import read, write
from receipts.refusal import Refusal

DIGITS = Task(kind="classification", classes=3, primary="accuracy")
BINARY = Task(kind="classification", classes=2, primary="accuracy")
VALUES = Task(kind="regression", primary="mae")


def ids(n: int) -> list[str]:
    return [f"s-{row}" for row in range(n)]


def classes(n: int = 4, **extra: object) -> Predictions:
    logits = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return from_outputs({"logits": logits, **extra}, ids(n), DIGITS, np.arange(n) % 3)


def same(one: Predictions, other: Predictions) -> None:
    assert (one.ids, one.entities, one.groups) == (other.ids, other.entities, other.groups)
    assert one.slices == other.slices
    arrays = [(one.targets, other.targets), (one.stated, other.stated), (one.prediction, other.prediction)]
    assert one.metadata.keys() == other.metadata.keys()
    for first, second in arrays + [(one.metadata[name], other.metadata[name]) for name in one.metadata]:
        if first is None:
            assert second is None
        else:
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)


# What is taken ------------------------------------------------------------------------------------------------------


def test_probabilities_are_taken_as_they_are_and_stored_in_float32() -> None:
    stated = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    found = from_outputs(stated, ids(2), DIGITS, np.array([2, 0]))
    assert found.stated.dtype == np.float32
    np.testing.assert_array_equal(found.stated, stated.astype(np.float32))
    assert found.prediction.tolist() == [2, 0]
    assert len(found) == 2


def test_equally_probable_classes_give_the_lowest() -> None:
    stated = np.array([[0.2, 0.4, 0.4], [0.5, 0.0, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    assert from_outputs(stated, ids(3), DIGITS, None).prediction.tolist() == [1, 0, 0]


def test_logits_become_probabilities_in_float64() -> None:
    # exp(0) : exp(ln 2) : exp(ln 5) = 1 : 2 : 5, and a thousand more on each logit changes nothing
    logits = np.log([[1.0, 2.0, 5.0]])
    for shift in (0, 1000, -1000):
        found = from_outputs({"logits": logits + shift}, ids(1), DIGITS, None)
        np.testing.assert_allclose(found.stated, [[0.125, 0.25, 0.625]], rtol=1e-7)


def test_a_masked_class_has_probability_zero() -> None:
    found = from_outputs({"logits": np.array([[0.0, -np.inf, 0.0]])}, ids(1), DIGITS, None)
    assert found.stated.tolist() == [[0.5, 0.0, 0.5]]


def test_a_rounding_error_outside_the_unit_interval_is_cut() -> None:
    found = from_outputs(np.array([[1.00001, -0.00001, 0.0]]), ids(1), DIGITS, None)
    assert found.stated.tolist() == [[1.0, 0.0, 0.0]]


def test_labels_become_int64_whatever_held_them() -> None:
    for kind in (np.int8, np.uint64, np.float32, np.bool_):
        found = from_outputs(np.full((2, 2), 0.5), ids(2), BINARY, np.array([0, 1]).astype(kind))
        assert found.targets is not None
        assert found.targets.dtype == np.int64
        assert found.targets.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("targets", "stated", "stored"),
    [
        (np.float32, np.float64, np.float32),  # maps: the value can be no finer than the truth
        (np.float64, np.float32, np.float64),
        (np.float64, np.float64, np.float64),
        (np.int64, np.float32, np.float64),  # float32 would not hold every whole number
        (np.int16, np.float64, np.float32),
        (np.float16, np.float32, np.float32),
    ],
)
def test_values_are_stored_in_the_type_their_targets_need(targets: type, stated: type, stored: type) -> None:
    found = from_outputs(np.array([0.1, 0.2], stated), ids(2), VALUES, np.array([1, 2], targets))
    assert found.targets is not None
    assert found.stated.dtype == found.targets.dtype == stored


def test_named_values_and_further_entries() -> None:
    outputs = {"value": np.zeros((2, 3)), "attention": np.ones((2, 5)), "answer": np.array(["yes", "no"])}
    found = from_outputs(outputs, ids(2), VALUES, np.ones((2, 3)), entities=[7, 8], groups=["a", "b"])
    assert found.prediction.shape == (2, 3)
    assert found.metadata["attention"].shape == (2, 5)
    assert found.metadata["answer"].tolist() == ["yes", "no"]
    assert (found.entities, found.groups) == (["7", "8"], ["a", "b"])


# What is refused ----------------------------------------------------------------------------------------------------


def refused(outputs: object, task: Task, targets: object = None, *, n: int = 2) -> str:
    with pytest.raises(Refusal) as caught:
        from_outputs(outputs, ids(n), task, None if targets is None else np.asarray(targets))  # type: ignore[arg-type]
    return str(caught.value)


def test_unnamed_logits() -> None:
    message = refused(np.array([[0.2, 0.3, 0.5], [2.0, -1.0, 7.5]]), DIGITS)
    assert "shape (2, 3), and 1 rows of it are not probabilities" in message
    assert "s-1 holds -1 to 7.5 and sums to 8.5, not to 1 ± 0.0001" in message
    assert 'return {"logits": self(x)}    (or: return self(x).softmax(-1))' in message


@pytest.mark.parametrize("row", [[0.5, 0.4, 0.09989], [0.5, 0.4, 0.10011], [1.2, -0.2, 0.0], [0.0, 0.0, 0.0]])
def test_rows_that_are_no_probabilities(row: list[float]) -> None:
    assert f"sums to {sum(row):.6g}, not to 1" in refused(np.array([row]), DIGITS, n=1)


@pytest.mark.parametrize("last", [0.09991, 0.10009])
def test_rows_that_sum_to_one_within_the_tolerance(last: float) -> None:
    from_outputs(np.array([[0.5, 0.4, last]]), ids(1), DIGITS, None)


def test_another_number_of_classes() -> None:
    message = refused(np.full((2, 4), 0.25), DIGITS)
    assert "shape (2, 4), not (2, 3)" in message
    assert "make the last layer 3 wide and, in predict_step: return self(x).softmax(-1)" in message


@pytest.mark.parametrize("outputs", [np.array([0.1, 0.9]), np.array([[0.1], [0.9]])])
def test_one_probability_for_two_classes(outputs: np.ndarray) -> None:
    message = refused(outputs, BINARY)
    assert f"shape {outputs.shape}, not (2, 2)" in message
    assert "return torch.stack([1 - p, p], -1)" in message


@pytest.mark.parametrize(
    ("outputs", "targets", "line"),
    [
        (np.zeros((2, 1)), np.zeros(2), "in predict_step: return self(x).reshape(-1)"),
        (np.zeros((2, 1, 7, 7)), np.zeros((2, 7, 7)), "in predict_step: return self(x).reshape(-1, 7, 7)"),
        (np.zeros(2), np.zeros((2, 3)), "make the last layer 3 wide; in predict_step: return self(x).reshape(-1, 3)"),
    ],
)
def test_values_of_another_shape(outputs: np.ndarray, targets: np.ndarray, line: str) -> None:
    message = refused(outputs, VALUES, targets)
    assert f"shape {outputs.shape}, the targets have {targets.shape}" in message
    assert line in message


@pytest.mark.parametrize(("task", "width"), [(DIGITS, (3,)), (VALUES, ())])
def test_another_count(task: Task, width: tuple[int, ...]) -> None:
    message = refused(np.ones((3, *width)) / 3, task, np.zeros(2))
    assert "predictions: 3 rows for 2 samples" in message
    assert "return one row per input" in message


@pytest.mark.parametrize("outputs", [np.zeros((0, 3)), np.zeros(0)])
def test_nothing(outputs: np.ndarray) -> None:
    assert "there are no samples" in refused(outputs, DIGITS, n=0)


def test_repeated_ids() -> None:
    with pytest.raises(Refusal, match="2 ids stand more than once: a, b"):
        from_outputs(np.full((5, 2), 0.5), ["a", "b", "a", "b", "c"], BINARY, None)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_listed(bad: float) -> None:
    values = np.zeros((9, 2, 2))
    values[2:8, 1, 0] = bad
    message = refused(values, VALUES, np.zeros((9, 2, 2)), n=9)
    assert "predictions of 6 of 9 samples are NaN or infinite: s-2, s-3, s-4, s-5 and 2 more" in message
    logits = np.zeros((3, 3))
    logits[1, 2] = bad
    assert "predictions of 1 of 3 samples are NaN or infinite: s-1" in refused({"logits": logits}, DIGITS, n=3)


def test_a_value_too_large_for_its_type_is_infinite() -> None:
    assert "NaN or infinite: s-0" in refused(np.array([1e300]), VALUES, np.zeros(1, np.float32), n=1)


def test_targets_that_are_not_finite_are_listed() -> None:
    assert "targets of 1 of 2 samples are NaN or infinite: s-1" in refused(np.zeros(2), VALUES, [0, np.nan])


@pytest.mark.parametrize(("label", "seen"), [(3, "3"), (-1, "-1"), (1.5, "1.5"), (np.nan, "nan")])
def test_labels_out_of_range_are_listed(label: float, seen: str) -> None:
    message = refused(np.full((2, 3), 1 / 3), DIGITS, [0, label])
    assert f"1 labels are outside 0…2: s-1 has {seen}" in message
    assert "task.classes is 3" in message


def test_labels_from_one() -> None:
    with pytest.raises(Refusal) as caught:
        check_labels(np.array([1, 2, 3, 3, 3, 3, 3]), ids(7), 3)
    assert "5 labels are outside 0…2: s-2 has 3, s-3 has 3, s-4 has 3, s-5 has 3 and 1 more" in str(caught.value)
    assert "labels run from 1 to 3" in str(caught.value)
    assert "number the classes from 0" in str(caught.value)


@pytest.mark.parametrize("targets", [np.eye(2, 3), np.array([["a"], ["b"]]), np.array(["a", "b"])])
def test_labels_of_another_kind_get_the_way_out(targets: np.ndarray) -> None:
    message = refused(np.full((2, 3), 1 / 3), DIGITS, targets)
    assert "are not the classes of 2 samples" in message
    assert 'receipts.load(RUN).predictions("val")' in message


def test_a_task_of_no_known_kind_gets_the_way_out() -> None:
    message = refused(np.zeros((2, 4)), Task(kind="detection", primary="map"))
    assert "no metric is defined for a task of kind 'detection'" in message
    assert "classification, ordinal, regression" in message
    assert "compute your own metric over the stored arrays" in message


@pytest.mark.parametrize(
    ("outputs", "task", "seen", "line"),
    [
        ({"scores": np.zeros((2, 3))}, DIGITS, "a dict of scores", 'return {"logits": self(x)}'),
        ({}, DIGITS, "a dict of nothing", 'return {"logits": self(x)}'),
        ({"value": np.zeros(2)}, DIGITS, "a dict of value", 'return {"logits": self(x)}'),
        ({"logits": np.zeros(2), "value": np.zeros(2)}, VALUES, "a dict of logits, value", 'return {"value": self(x)}'),
    ],
)
def test_a_dict_that_names_no_prediction(outputs: object, task: Task, seen: str, line: str) -> None:
    message = refused(outputs, task)
    assert seen in message
    assert line in message


def test_outputs_that_are_no_numbers() -> None:
    assert "predictions are real numbers" in refused(np.array(["a", "b"]), VALUES)
    assert "predictions are real numbers" in refused(np.zeros(2, complex), VALUES)
    assert "a regression task has real targets" in refused(np.zeros(2), VALUES, ["a", "b"])
    assert "'trace' holds object" in refused({"value": np.zeros(2), "trace": np.array([{}, {}])}, VALUES)
    assert "trace: 3 rows for 2 samples" in refused({"value": np.zeros(2), "trace": np.zeros(3)}, VALUES)


def test_complete() -> None:
    check_complete(classes(4), reversed(ids(4)))
    with pytest.raises(Refusal) as caught:
        check_complete(classes(7), ["s-0", "other", "s-1", "s-1"])
    assert "7 predictions are not one for each of the 3 samples" in str(caught.value)
    assert "1 missing: other" in str(caught.value)
    assert "5 not of this split: s-2, s-3, s-4, s-5 and 1 more" in str(caught.value)
    assert "1 expected more than once: s-1" in str(caught.value)


# What is stored -----------------------------------------------------------------------------------------------------


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
