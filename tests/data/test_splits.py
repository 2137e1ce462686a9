"""Making a split: blocks of rows by their shares, and facts about them that later nobody has to open test for."""

from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import SHARES, VALUES, Table, divided, plan

from receipts.config.schema import Split
from receipts.data import rules, splits, twins
from receipts.data.golden import told
from receipts.data.steady import content_hashes
from receipts.data.stored import ranges
from receipts.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def contiguous(table: Table, shares: dict[str, float]) -> dict[str, Any]:
    return rules.contiguous(table, Split("contiguous", shares))


def rows(**parts: range) -> dict[str, Any]:
    return {name: np.array(part) for name, part in parts.items()}


@given(st.integers(10, 3000), st.tuples(*[st.integers(1, 20)] * 3))
def test_contiguous_blocks_cover_everything_once_in_order(n: int, parts: tuple[int, int, int]) -> None:
    shares = {name: part / sum(parts) for name, part in zip(SHARES, parts, strict=True)}
    found = contiguous(Table(n), shares)
    assert np.concatenate(list(found.values())).tolist() == list(range(n))
    assert all(abs(len(found[name]) - share * n) < 1 for name, share in shares.items())


def test_shares_that_leave_some_out_leave_out_the_end() -> None:
    found = contiguous(Table(10), {"train": 0.5, "val": 0.2, "test": 0.2})
    assert [len(part) for part in found.values()] == [5, 2, 2]
    assert found["test"].tolist() == [7, 8]


def test_shares_come_in_the_order_in_which_they_are_stated() -> None:
    assert contiguous(Table(10), {"test": 0.2, "val": 0.2, "train": 0.6})["train"].tolist() == [4, 5, 6, 7, 8, 9]


@given(st.sets(st.integers(0, 60), min_size=1))
def test_ranges_are_the_rows(chosen: set[int]) -> None:
    found = ranges(np.array(sorted(chosen)))
    assert [row for first, last in found for row in range(first, last)] == sorted(chosen)
    assert all(last < first for (_, last), (first, _) in pairwise(found))  # none could be joined


@pytest.mark.parametrize(
    ("shares", "rule", "what"),
    [
        ({"train": 0.8, "test": 0.2}, "contiguous", "split.shares are"),
        ({"train": 0.8, "val": 0.2, "test": 0.2}, "contiguous", "split.shares are"),
        ({"train": 0.98, "val": 0.01, "test": 0.01}, "contiguous", "the val split is empty"),
        ({"train": 1.2, "val": -0.4, "test": 0.2}, "contiguous", "split.shares are"),
        (SHARES, "magic", "there is no split rule 'magic'"),
    ],
)
def test_divisions_that_cannot_be_meant_are_refused(shares: dict[str, float], rule: str, what: str) -> None:
    Path("splits").mkdir()
    with pytest.raises(Refusal, match=what):
        splits.make(plan(shares=shares, rule=rule), Table())


def test_a_rule_that_breaks_its_promise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("splits").mkdir()

    def broken(**parts: range) -> None:
        rule = rules.Rule(lambda dataset, split: rows(**parts), lambda dataset: 0)
        monkeypatch.setitem(rules.RULES, "contiguous", rule)

    broken(train=range(10), val=range(10, 14), test=range(19, 20))
    with pytest.raises(Refusal, match=r"the train split has 10 rows\n.*0\.6 of 20 was declared"):
        splits.make(plan(), Table())
    broken(train=range(12), val=range(11, 15), test=range(15, 19))
    with pytest.raises(Refusal, match="train and val share 1 rows"):
        splits.make(plan(), Table())


# Content ------------------------------------------------------------------------------------------------------------


def test_content_is_hashed_row_by_row() -> None:
    table = Table()
    x, y = content_hashes(table)
    assert x.dtype == y.dtype == np.uint64
    assert len(set(x.tolist())) == 20
    assert len(set(y.tolist())) == 3
    assert int(y[1]) == int.from_bytes(blake2b(np.int64(1).tobytes(), digest_size=8).digest(), "big")
    changed = table.inputs.copy()
    changed[7, 2] = np.nextafter(changed[7, 2], np.float32(9))
    assert np.flatnonzero(content_hashes(Table(inputs=changed))[0] != x).tolist() == [7]


def test_hashes_do_not_depend_on_how_the_rows_lie_in_memory() -> None:
    table = Table()
    fortran = np.asfortranarray(np.stack([table.inputs, table.inputs], -1))
    plain = np.ascontiguousarray(fortran)
    both = (content_hashes(Table(inputs=inputs)) for inputs in (fortran, plain))
    for one, other in zip(*both, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_dictionary_is_hashed_in_the_order_of_its_names() -> None:
    table = Table()
    one, two = table.inputs[:, :2], table.inputs[:, 2:]
    forth, _ = content_hashes(Table(inputs={"a": one, "b": two}))
    back, _ = content_hashes(Table(inputs={"b": two, "a": one}))
    swapped, _ = content_hashes(Table(inputs={"a": two, "b": one}))
    np.testing.assert_array_equal(forth, back)
    assert not (forth == swapped).any()


# Facts --------------------------------------------------------------------------------------------------------------


def test_rows_that_stand_on_both_sides_are_counted() -> None:
    table = Table()
    table.inputs[13] = table.inputs[2]  # val is train
    table.inputs[17] = table.inputs[2]  # and so is test
    table.inputs[1] = table.inputs[0]  # twice in train harms nobody
    assert divided(table).facts.duplicates_across == 1
    assert divided(table).facts.near_duplicates_across.n == 0  # exact ones are not near ones


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_a_planted_near_copy_is_found_wherever_the_numbers_lie(offset: float) -> None:
    table = Table(400, inputs=spread_out(400, 8))
    table.inputs = (table.inputs + offset).astype(np.float32)
    table.inputs[260] = table.inputs[3] + np.float32(0.03)  # val is nearly train
    table.inputs[390] = table.inputs[270] - np.float32(0.03)  # test is nearly val
    table.inputs[50] = table.inputs[51] + np.float32(0.001)  # both in train
    near = divided(table).facts.near_duplicates_across
    assert near.n == 2
    assert near.below == twins.FRACTION
    assert [(part.split, part.n, part.looked, part.pairs) for part in near.splits] == [
        ("val", 1, 80, [("row-260", "row-3")]),
        ("test", 1, 80, [("row-390", "row-270")]),
    ]
    assert near.splits[0].inside == 0.00833
    assert near.splits[0].by_accident < 0.01


def spread_out(n: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, columns)).astype(np.float32)


def test_every_column_is_measured_in_its_own_spread() -> None:
    table = Table(400, inputs=spread_out(400, 8) * np.logspace(-3, 3, 8, dtype=np.float32))
    table.inputs[300] = table.inputs[3] * np.float32(1.001)
    found = divided(table).facts.near_duplicates_across
    assert found.n == 1
    table = Table(400, inputs=spread_out(400, 8))
    table.inputs[:, 0] *= 1000  # one column of large numbers makes nobody a twin
    assert divided(table).facts.near_duplicates_across.n == 0


def test_mirrored_and_slightly_changed_images_are_found() -> None:
    images = np.random.default_rng(0).normal(size=(300, 1, 12, 12)).cumsum(-1).cumsum(-2)
    images[250] = images[3, :, :, ::-1]
    images[251] = images[4] + np.random.default_rng(1).normal(0, 0.05, (1, 12, 12))
    for inputs in (images, np.moveaxis(images, 1, -1)):
        table = Table(300, inputs=inputs.astype(np.float32))
        found = divided(table).facts.near_duplicates_across
        assert [pair for part in found.splits for pair in part.pairs] == [("row-250", "row-3"), ("row-251", "row-4")]
    flat = Table(300, inputs=images.reshape(300, -1).astype(np.float32))
    assert divided(flat).facts.near_duplicates_across.n == 1  # nobody mirrors a table


def test_samples_without_numbers_and_small_sets_are_not_searched() -> None:
    for table in (Table(inputs=np.array([f"text {row}" for row in range(20)])), Table()):
        found = divided(table).facts.near_duplicates_across
        assert "not searched" in found.method
        assert found.splits is None
    named = Table(200, inputs={"a": spread_out(200, 4), "b": np.arange(200.0)})
    named.inputs["a"][150], named.inputs["b"][150] = named.inputs["a"][3], named.inputs["b"][3] + 0.01
    assert divided(named).facts.near_duplicates_across.n == 1


def test_copies_are_told_split_by_split() -> None:
    table = Table(400, inputs=spread_out(400, 8))
    table.inputs[250], table.inputs[390], table.inputs[395] = table.inputs[3], table.inputs[4], table.inputs[260]
    table.inputs[20] = table.inputs[21]
    val, test = divided(table).facts.copies
    assert (val.n, val.of, val.pairs) == (1, 80, [("row-250", "row-3")])
    assert (test.n, test.pairs) == (2, [("row-390", "row-4"), ("row-395", "row-260")])
    assert val.inside == 0.00833
    assert val.by_accident < 1e-3
    coarse = Table(400, inputs=np.random.default_rng(0).integers(0, 2, (400, 6)).astype(np.float32))
    assert divided(coarse).facts.copies[0].by_accident > 10


def test_nan_is_refused_wherever_it_is() -> None:
    for row in (0, 130, 199):
        table = Table(200)
        table.inputs[row, 1] = np.nan
        with pytest.raises(Refusal, match="1 rows have NaN or infinite inputs") as found:
            divided(table)
        assert f"row-{row}" in found.value.why
    with pytest.raises(Refusal, match="infinite targets"):
        divided(Table(200, targets=np.where(np.arange(200) == 190, np.inf, 1.0)), VALUES)


def test_the_golden_batch_is_that_of_the_first_train_rows() -> None:
    table = Table(200)
    golden = divided(table).golden
    assert golden.shape == [8, 4]
    assert golden.mean == pytest.approx(table.inputs[:8].mean())
    table.inputs[9] = 5
    assert divided(table).golden == golden
    table.inputs[7] = 5
    assert divided(table).golden.hash != golden.hash
    assert divided(Table(inputs=np.array([f"text {row}" for row in range(20)]))).golden is None
    for rows in ([[1e300, -1e300]], [[np.nan, 1.0]], [[np.inf, 1.0]]):  # the first is finite, but not its deviation
        assert told(np.array(rows), []) is None


def test_entities_and_times_are_compared_where_they_are_known() -> None:
    plain = divided(Table()).facts
    assert (plain.entities, plain.times) == (None, None)
    writers = Table(entities=[f"writer-{row // 5}" for row in range(20)], times=np.arange(20))
    facts = divided(writers).facts
    assert facts.entities == 2  # writer-2 in train and val, writer-3 in val and test
    assert facts.times is True
    assert divided(Table(times=np.arange(20)[::-1])).facts.times is False


def test_labels_are_counted_where_there_are_classes() -> None:
    assert divided(Table()).splits["test"].labels == {"0": 1, "1": 2, "2": 1}
    assert divided(Table(targets=np.random.default_rng(0).normal(size=20)), VALUES).splits["test"].labels == {}
