"""Checkpoints: known by their weights, read without running anybody's code, refused when they are anything else."""

import io
import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from receipts.refusal import Refusal
from receipts.training.checkpoints import read, state_of, weights_hash


def state() -> dict[str, torch.Tensor]:
    return {
        "layer.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "norm.count": torch.tensor(3),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 4),
        "mask": torch.tensor([True, False]),
    }


def test_a_hash_of_weights_is_pinned_for_all_time() -> None:
    """Every record names its weights by it."""
    assert weights_hash(state()) == "82074d2fe54215def2ff7f82865cbbc588bf9955483a667dfe9fb69d5ceb2ddb"
    assert weights_hash({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layer.weight", torch.arange(6, dtype=torch.float32).reshape(3, 2)),
        ("layer.weight", torch.arange(6, dtype=torch.float64).reshape(2, 3)),
        ("layer.weight", torch.nextafter(torch.arange(6.0).reshape(2, 3), torch.tensor(9.0))),
        ("norm.count", torch.tensor(4)),
        ("norm.count", torch.tensor([3])),
        ("half", -torch.ones(2, dtype=torch.bfloat16)),
        ("empty", torch.zeros(4, 0)),
        ("more", torch.zeros(1)),
    ],
)
def test_every_name_shape_type_and_bit_counts(name: str, value: torch.Tensor) -> None:
    assert weights_hash(state() | {name: value}) != weights_hash(state())


def test_neither_the_order_of_names_nor_the_layout_in_memory_counts() -> None:
    turned = dict(reversed(state().items()))
    turned["layer.weight"] = turned["layer.weight"].T.contiguous().T
    turned["half"] = torch.nn.Parameter(turned["half"])
    assert not turned["layer.weight"].is_contiguous()
    assert weights_hash(turned) == weights_hash(state())


def stored(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


CHECKPOINT = stored({"state_dict": state(), "epoch": 3, "hyper": {"lr": 0.1, "layers": [1, 2]}, "none": None})


def test_what_was_stored_is_read(tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    path.write_bytes(CHECKPOINT)
    assert read(path)["epoch"] == 3
    found = state_of(path, weights_hash(state()))
    assert weights_hash(found) == weights_hash(state())
    assert all(tensor.device.type == "cpu" for tensor in found.values())


def test_other_weights_than_the_recorded_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    path.write_bytes(stored({"state_dict": state() | {"norm.count": torch.tensor(4)}}))
    with pytest.raises(Refusal, match="does not hold the weights that were recorded") as found:
        state_of(path, weights_hash(state()))
    assert "rerun=true" in found.value.fix


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_checkpoint_that_was_cut_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "best.ckpt"
    path.write_bytes(CHECKPOINT[: int(share * len(CHECKPOINT))])
    with pytest.raises(Refusal, match="is no readable checkpoint"):
        read(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(CHECKPOINT) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_is_refused_or_seen_in_the_hash(tmp_path: Path, damage: list[tuple[int, int]]) -> None:
    damaged = bytearray(CHECKPOINT)
    for place, value in damage:
        damaged[place] = value
    path = tmp_path / "best.ckpt"
    path.write_bytes(damaged)
    with suppress(Refusal):
        assert weights_hash(state_of(path, weights_hash(state()))) == weights_hash(state())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=60) | st.binary(max_size=30).map(lambda rest: b"\x80\x02" + rest))
@example(b"")
@example(b".")
@example(b"PK\x03\x04")
@example(b"\x80\x05.")
@example(pickle.dumps({"state_dict": {}}, protocol=0))
@example(pickle.dumps({"state_dict": {}}))
@example(stored([1, 2]))
@example(stored({"state_dict": 3}))
@example(stored({"weights": {}}))
def test_whatever_lies_there_is_refused_and_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best.ckpt"
    path.write_bytes(content)
    with pytest.raises(Refusal):
        read(path)


class Planted:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


def test_a_pickle_is_refused_without_running_it(tmp_path: Path) -> None:
    planted, path = tmp_path / "planted", tmp_path / "best.ckpt"
    for content in (
        stored({"state_dict": state(), "callback": Planted(planted)}),
        pickle.dumps({"state_dict": Planted(planted)}),
        pickle.dumps(Planted(planted), protocol=0),
    ):
        path.write_bytes(content)
        with pytest.raises(Refusal, match="is no readable checkpoint"):
            read(path)
        assert not planted.exists()
    pickle.loads(pickle.dumps(Planted(planted)))
    assert planted.exists(), "the test itself is toothless"


def test_a_module_stored_whole_is_no_plain_data(tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    path.write_bytes(stored({"state_dict": torch.nn.Linear(2, 2)}))
    with pytest.raises(Refusal, match="is no readable checkpoint"):
        read(path)


def test_nothing_and_a_folder_are_no_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="is missing"):
        read(tmp_path / "best.ckpt")
    with pytest.raises(Refusal, match="is no readable checkpoint"):
        read(tmp_path)
    with zipfile.ZipFile(tmp_path / "best.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(Refusal, match="is no readable checkpoint"):
        read(tmp_path / "best.ckpt")
