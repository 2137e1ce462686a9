"""A loader of somebody's own is looked at before training, and left as it was."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import datasets
from torch.utils.data import DataLoader, Dataset, SubsetRandomSampler

from receipts.config.schema import Task
from receipts.data import golden
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.guards.data import contradictions, draws, looking, overlap
from receipts.provenance.streams import globals_now

DIGITS = datasets.load_digits()
IMAGES = (DIGITS.images[:, None] / 16).astype(np.float32)
TEN = Task(kind="classification", classes=10, primary="accuracy")


class Images(Dataset[Any]):
    """Digits behind a DataModule's loader, read in one of several ways."""

    def __init__(self, rows: Any, how: str = "plain") -> None:
        self.rows, self.how, self.rng = list(rows), how, np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        row = self.rows[place]
        x = torch.as_tensor(IMAGES[row])
        if self.how == "noisy":
            x = x + torch.as_tensor(self.rng.normal(0, 0.1, (1, 8, 8)), dtype=torch.float32) + torch.rand(1)
        if self.how == "seeds":
            torch.manual_seed(row)
            x = x + torch.rand(1)
        return x, int(DIGITS.target[row])


def subset(name: str, dataset: Any, **how: Any) -> Subset:
    loader = OwnLoader(DataLoader(dataset, 32, **how), None)
    return Subset(name, [str(place) for place in range(len(loader))], loader, np.empty(0), None, None)


def looked(train: Any, val: Any) -> looking.Looked:
    found = looking.look(subset("train", train, shuffle=True), subset("val", val))
    assert found is not None
    return found


def test_looking_moves_no_generator() -> None:
    dataset = Images(range(100), "noisy")
    before = str(globals_now()), str(dataset.rng.bit_generator.state)
    once, again = (OwnLoader(DataLoader(dataset, 32), None).peek(50) for _ in range(2))
    assert once is not None and again is not None  # noqa: PT018
    assert np.array_equal(once.x, again.x)
    assert (str(globals_now()), str(dataset.rng.bit_generator.state)) == before
    assert golden.told(golden.batch(OwnLoader(DataLoader(dataset, 32), None)), []) is not None


@pytest.mark.parametrize(
    ("how", "n"),
    [
        ({}, 40),
        ({"shuffle": True}, 40),
        ({"sampler": SubsetRandomSampler(range(7))}, 7),
        ({"batch_size": None}, None),
        ({"sampler": [3, 1, 2]}, None),
        ({"collate_fn": lambda rows: [row[0] for row in rows]}, None),
    ],
)
def test_rows_are_those_that_the_sampler_gives(how: dict[str, Any], n: int | None) -> None:
    found = OwnLoader(DataLoader(Images(range(40)), **{"batch_size": 8} | how), None).peek(100)
    assert (None if found is None else len(found.at)) == n


def test_rows_of_val_in_train_are_found_and_honest_ones_are_not() -> None:
    copied = overlap.between(looked(Images([*range(1000), *range(1000, 1050)]), Images(range(1000, 1400))))
    honest = overlap.between(looked(Images(range(1000)), Images(range(1000, 1400))))
    assert [check.verdict for check in copied] == ["fail", "pass"]
    assert [check.verdict for check in honest] == ["pass", "pass"]
    assert [check.verdict for check in overlap.between(None)] == ["not run", "not run"]


def test_a_reader_that_repeats_rows_contradicts_itself() -> None:
    class Twice(Images):
        def __getitem__(self, place: int) -> tuple[Any, int]:
            return super().__getitem__(place - place % 2)[0], int(DIGITS.target[self.rows[place]])

    none: Any = SimpleNamespace(facts=None)
    for kind, verdict in ((Twice, "fail"), (Images, "pass")):
        (check,) = contradictions.audit(none, looked(kind(range(1000)), Images(range(1000, 1400))), TEN)
        assert check.verdict == verdict
    assert [c.verdict for c in contradictions.audit(none, None, TEN)] == ["not run"]


@pytest.mark.parametrize(("how", "verdict"), [("plain", "pass"), ("noisy", "pass"), ("seeds", "fail")])
def test_a_seed_within_reading(how: str, verdict: str) -> None:
    checks = {check.code: check for check in draws.audit(subset("train", Images(range(20), how), shuffle=True))}
    assert checks["reseeds-while-reading"].verdict == verdict
    assert ("Images seeds torch" in checks["reseeds-while-reading"].evidence) is (how == "seeds")
