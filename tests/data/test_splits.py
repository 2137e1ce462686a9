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
from receipts.data import rules, splits
from receipts.data.splits import near_duplicates
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
    table = Table(200)
    table.inputs = (table.inputs + offset).astype(np.float32)
    table.inputs[130] = table.inputs[3] + np.float32(0.03)
    table.inputs[131] = table.inputs[3] + np.float32(0.2)
    table.inputs[190] = table.inputs[100] - np.float32(0.03)
    table.inputs[50] = table.inputs[51] + np.float32(0.001)  # both in train
    table.inputs[195] = table.inputs[135] + np.float32(0.5)
    facts = divided(table).facts
    assert facts.near_duplicates_across.n == 2
    assert facts.near_duplicates_across.below == splits.NEAR
    assert facts.duplicates_across == 0


def test_near_copies_are_measured_in_the_spread_of_the_data() -> None:
    for scale in (1e-3, 1e3):
        table = Table(100)
        table.inputs[70] = table.inputs[3] + np.float32(0.01)
        table.inputs = (table.inputs * scale).astype(np.float32)
        assert divided(table).facts.near_duplicates_across.n == 1


def test_images_are_searched_as_vectors_and_other_inputs_are_not_searched() -> None:
    images = Table(40, inputs=np.random.default_rng(0).integers(0, 255, (40, 1, 4, 4), dtype=np.uint8))
    images.inputs[30] = images.inputs[0]
    images.inputs[30, 0, 0, 0] ^= 1
    assert divided(images).facts.near_duplicates_across.n == 1
    named = Table(inputs={"a": np.zeros((20, 2)), "b": np.ones(20)})
    assert "not searched" in divided(named).facts.near_duplicates_across.method
    texts = Table(inputs=np.array([f"text {row}" for row in range(20)]))
    assert "not searched" in divided(texts).facts.near_duplicates_across.method


def test_a_large_split_is_searched_in_blocks() -> None:
    table = Table(3000, inputs=np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32))
    planted = [1800, 2311, 2312, 2999]
    table.inputs[planted] = table.inputs[[5, 6, 7, 8]] + np.float32(0.01)
    parts = rows(train=range(1800), val=range(1800, 2400), test=range(2400, 3000))
    found = near_duplicates(table, parts, np.arange(3000))
    assert found.n == len(planted)


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
