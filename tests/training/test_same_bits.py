"""The same config and seed are the same bits, and looking more often changes none of them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from launching import launch

LAST = "fit.callbacks=[{_target_: lab.odd.Last}]"


@pytest.fixture(scope="module")
def first(train: Any) -> Any:
    return train("conf=net", LAST)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_two_runs_of_one_seed_are_bit_identical(train: Any, first: Any) -> None:
    again = train("conf=net", LAST, "rerun=true")
    assert again.folder != first.folder
    assert again.record["checkpoint"]["weights"] == first.record["checkpoint"]["weights"]
    assert same(again.last["state_dict"], first.last["state_dict"])
    assert again.record["scores"][0]["metrics"] == first.record["scores"][0]["metrics"]
    for name in ("val.parquet", "val.csv"):
        assert (again.folder / "predictions" / name).read_bytes() == (first.folder / "predictions" / name).read_bytes()
    kept = ("epoch", "step", "loss", "learning_rate", "gradient_norm", "val/accuracy", "val/nll")
    assert [[row[name] for name in kept] for row in again.history] == [
        [row[name] for name in kept] for row in first.history
    ]


def test_another_seed_is_other_bits_and_zero_is_a_seed(train: Any, first: Any) -> None:
    other = train("conf=net", LAST, "seed=1")
    assert other.record["checkpoint"]["weights"] != first.record["checkpoint"]["weights"]
    assert not same(other.last["state_dict"], first.last["state_dict"])
    assert first.record["world"]["seeds"]["init"].startswith("derive('init', 0) = ")


def test_runs_that_share_a_process_are_those_that_do_not(train: Any, bench: Path, first: Any) -> None:
    words = ("-m", "conf=net", LAST, "model.hidden=15,16", "rerun=true")  # another network first
    assert (done := launch(bench, "train.py", *words)).code == 0, done.err
    newest = max(path for path in (bench / "runs").glob("*-net-s0-*") if path.name[-8:] == first.folder.name[-8:])
    assert newest != first.folder
    assert same(torch.load(newest / "last.pt", weights_only=True)["state_dict"], first.last["state_dict"])


def test_validating_more_or_less_often_does_not_change_training(train: Any) -> None:
    found = {
        every: train("conf=net", LAST, "fit.epochs=4", f"fit.validate_every={every}") for every in (0.25, 0.5, 1, 2)
    }
    looks = {every: sum(row["val/accuracy"] != "" for row in run.history) for every, run in found.items()}
    assert looks == {0.25: 16, 0.5: 8, 1: 4, 2: 2}
    for run in found.values():
        assert run.last["steps"] == 4 * 17
        assert same(run.last["state_dict"], found[1].last["state_dict"])
        assert run.check("selected-is-scored") == "pass"
    epochs = [row for row in found[1].history if int(row["epoch"]) % 2 == 0]
    assert [row["val/nll"] for row in found[2].history if row["val/nll"]] == [row["val/nll"] for row in epochs]


def test_threads_and_seeds_are_in_the_record(first: Any) -> None:
    world = first.record["world"]
    assert (world["threads"], world["deterministic"], world["nondeterministic_ops"]) == (1, True, [])
    assert world["backend"]["get_num_threads"] == 1
    assert world["backend"]["are_deterministic_algorithms_enabled"] is True
