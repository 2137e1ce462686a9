"""Batches: every row once an epoch, in an order that the seed alone decides, resumable at any step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tables import Table, divided

from receipts.data.batches import OrderedBatches, TrainBatches, check_augment, targets, tensors
from receipts.data.sealed import SealedData
from receipts.refusal import Refusal

CPU = torch.device("cpu")


def loader(n: int = 20, size: int = 6, seed: int = 0, **more: Any) -> TrainBatches:
    """A loader of rows that are their own number."""
    return TrainBatches(torch.arange(n, dtype=torch.float32)[:, None], torch.arange(n), size, seed, **more)


def epoch(batches: TrainBatches, number: int) -> list[list[int]]:
    batches.sampler.set_epoch(number)
    return [y.tolist() for _, y in batches]


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**40), st.integers(0, 9))
def test_an_epoch_holds_every_row_once_and_the_last_batch_too(n: int, size: int, seed: int, number: int) -> None:
    batches = loader(n, size, seed)
    found = epoch(batches, number)
    assert sorted(row for batch in found for row in batch) == list(range(n))
    assert len(found) == len(batches)
    assert all(len(batch) == size for batch in found[:-1])
    assert 1 <= len(found[-1]) <= size


def test_inputs_and_targets_of_a_batch_belong_together() -> None:
    for x, y in loader():
        assert x[:, 0].tolist() == y.tolist()  # type: ignore[call-overload]


def test_each_epoch_has_an_order_of_its_own_and_a_seed_has_all_of_them() -> None:
    orders = [epoch(loader(), number) for number in range(4)]
    assert len({str(order) for order in orders}) == 4
    assert [epoch(loader(), number) for number in range(4)] == orders
    again = loader()
    assert [epoch(again, number) for number in (3, 0, 2, 1)] == [orders[number] for number in (3, 0, 2, 1)]
    assert epoch(loader(seed=1), 0) != orders[0]
    assert orders[0] != [list(range(row, min(row + 6, 20))) for row in range(0, 20, 6)]


def test_nothing_that_others_draw_changes_the_order_and_it_draws_from_nobody() -> None:
    expected = epoch(loader(), 1)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    batches = loader()
    batches.set_epoch(1)
    found = []
    for _, y in batches:
        found.append(y.tolist())
        torch.rand(3)
    assert found == expected
    torch.manual_seed(99)
    epoch(loader(), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loader_goes_on_where_its_state_was_taken() -> None:
    whole = loader()
    whole.set_epoch(2)
    for position, _ in enumerate(whole, start=1):
        state = whole.state_dict()
        assert state == {"epoch": 2, "position": position}
        resumed = loader()
        resumed.load_state_dict(state)
        assert epoch(resumed, 2) == epoch(loader(), 2)[position:]
        assert epoch(resumed, 3) == epoch(loader(), 3)  # and the next epoch is whole


def test_the_state_of_another_epoch_is_left_alone() -> None:
    resumed = loader()
    resumed.load_state_dict({"epoch": 1, "position": 3})
    assert epoch(resumed, 2) == epoch(loader(), 2)
    assert epoch(resumed, 1) == epoch(loader(), 1)  # it was meant for the first iteration only


def test_augmentation_draws_from_its_own_step() -> None:
    def noise(x: Any, y: Any, generator: torch.Generator) -> tuple[Any, Any]:
        return torch.rand(x.shape, generator=generator), y

    def drawn(number: int, **options: Any) -> list[Any]:
        batches = loader(augment=[noise], **options)
        batches.set_epoch(number)
        return [x.tolist() for x, _ in batches]

    first = drawn(0)
    assert drawn(0) == first
    assert len({str(batch) for batch in first}) == len(first)
    assert drawn(1)[0] != first[0]
    assert drawn(0, seed=1)[0] != first[0]
    resumed = loader(augment=[noise])
    resumed.load_state_dict({"epoch": 0, "position": 2})
    assert [x.tolist() for x, _ in resumed] == first[2:]


def test_augmentations_follow_one_another_and_may_change_targets() -> None:
    batches = loader(augment=[lambda x, y, _: (x * 2, y), lambda x, y, _: (x + 1, y * 10)])
    for x, y in batches:
        assert ((x[:, 0] - 1) * 5).tolist() == y.tolist()  # type: ignore[call-overload]


def test_an_augmentation_that_writes_into_its_batch_changes_no_row() -> None:
    def spoil(x: Any, y: Any, generator: torch.Generator) -> tuple[Any, Any]:
        return x.zero_(), y.zero_()

    batches = loader(augment=[spoil])
    list(batches)
    assert batches.x[:, 0].tolist() == list(range(20))  # type: ignore[call-overload]
    assert batches.y.tolist() == list(range(20))


def test_what_cannot_be_called_is_no_augmentation() -> None:
    check_augment([len])
    with pytest.raises(Refusal, match="int is no augmentation"):
        check_augment([len, 3])


@pytest.mark.parametrize("size", [1, 6, 20, 50])
def test_validation_reads_rows_in_order_and_prediction_has_no_targets(size: int) -> None:
    x, y = torch.arange(20)[:, None], torch.arange(20)
    with_targets, alone = OrderedBatches(x, y, 20, size), OrderedBatches(x, None, 20, size)
    assert [row for _, part in with_targets for row in part.tolist()] == list(range(20))
    assert [row for part in alone for row in part[:, 0].tolist()] == list(range(20))
    assert len(list(alone)) == len(alone) == len(with_targets) == -(-20 // size)


def test_what_a_module_does_to_its_batch_does_not_reach_the_data() -> None:
    """`x.sub_(mean)` in a predict_step would otherwise shift val a little further at every epoch."""
    x, y = {"a": torch.ones(4, 1)}, torch.ones(4)
    for inputs, labels in OrderedBatches(x, y, 4, 3):
        inputs["a"].zero_()
        labels.zero_()
    for inputs in OrderedBatches(x, None, 4, 3):
        inputs["a"].zero_()
    assert x["a"].tolist() == [[1.0]] * 4
    assert y.tolist() == [1.0] * 4


def test_dictionaries_are_batched_by_name() -> None:
    x = {"a": torch.arange(20), "b": torch.arange(40).reshape(20, 2)}
    for inputs, y in TrainBatches(x, torch.arange(20), 6, 0):
        assert inputs["a"].tolist() == y.tolist() == (inputs["b"][:, 0] // 2).tolist()  # type: ignore[index]


def test_tensors_have_the_types_that_a_module_wants() -> None:
    found = tensors({"x": np.zeros((3, 2)), "i": np.arange(3, dtype=np.int32), "u": np.zeros(3, np.uint8)}, CPU)
    assert isinstance(found, dict)
    assert [part.dtype for part in found.values()] == [torch.float32, torch.int32, torch.uint8]
    backwards = tensors(np.arange(6.0)[::-1].reshape(3, 2), CPU)
    assert isinstance(backwards, torch.Tensor)
    assert backwards[0].tolist() == [5.0, 4.0]


def test_targets_have_the_types_that_a_loss_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for values, classes, kind in (
        (np.arange(20, dtype=np.uint8) % 3, True, torch.int64),
        (np.arange(20) % 3, True, torch.int64),
        (np.linspace(0, 1, 20), False, torch.float32),
        (np.arange(20), False, torch.float32),
        (np.zeros((20, 5, 5)), False, torch.float32),
    ):
        table = Table(targets=values)
        subset = SealedData(table, divided(Table()), ("train",), None).subset("train")
        found = targets(subset, classes, CPU)
        assert found.dtype == kind
        assert tuple(found.shape) == (12, *values.shape[1:])


def test_a_read_only_memory_map_is_read_without_a_copy_or_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("inputs.npy", Table().inputs)
    mapped = np.load("inputs.npy", mmap_mode="r")
    table = Table(inputs=mapped)
    subset = SealedData(table, divided(table), ("train",), None).subset("train")
    x = tensors(subset.inputs, CPU)
    assert isinstance(x, torch.Tensor)
    assert x.data_ptr() == mapped.ctypes.data
    y = targets(subset, True, CPU)
    assert sum(len(part) for part, _ in OrderedBatches(x, y, 12, 5)) == 12
    assert sum(len(part) for part, _ in TrainBatches(x, y, 5, 0)) == 12
