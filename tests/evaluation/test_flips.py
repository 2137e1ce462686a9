"""Which predictions flipped between two runs."""

from pathlib import Path

import numpy as np
import pytest
from records import made, score

from receipts.config.schema import Task
from receipts.evaluation.flips import between, compare, told
from receipts.evaluation.predictions import Predictions, from_outputs
from receipts.evaluation.storage import write

TASK = Task(kind="classification", classes=3, primary="accuracy")
VALUES = Task(kind="regression", primary="mae")


def classes(given: list[int], ids: str = "abcd", sure: float = 0.8) -> Predictions:
    stated = np.full((len(given), 3), (1 - sure) / 2)
    stated[np.arange(len(given)), given] = sure
    return from_outputs(stated, list(ids), TASK, np.arange(len(given)) % 3)


def test_flips_by_hand() -> None:
    # true 0 1 2 0: a gives 0 1 1 2, b gives 0 2 2 1: right→right, right→wrong, wrong→right, wrong→other wrong
    found = compare(classes([0, 1, 1, 2]), classes([0, 2, 2, 1], sure=0.7))
    assert (found.n, found.flipped, found.to_right, found.to_wrong) == (4, 3, 1, 1)
    # the true class: .8→.7, .8→.15, .1→.7, .1→.15
    assert [name for name, _ in found.worst] == ["b", "c", "a", "d"]
    assert found.worst[0][1] == pytest.approx(-0.65)
    assert found.moved == pytest.approx((0.1 + 0.65 + 0.6 + 0.05) / 4)


def test_samples_are_joined_by_id() -> None:
    shuffled = Predictions(list("dcba"), np.array([0, 2, 1, 0]), classes([0, 1, 2, 0]).stated[::-1])
    assert told(classes([0, 1, 2, 0]), shuffled) == "all 4 predictions are the same to the last bit"
    apart = classes([0, 1, 2, 0], "abxy")
    assert told(classes([0, 1, 2, 0]), apart).endswith("the last bit, 4 samples in one run only")
    assert told(classes([0], "a"), classes([0], "b")) == "no sample in common"


def test_values_move() -> None:
    a, b = (from_outputs(np.array(v), ["a", "b"], VALUES, np.zeros(2)) for v in ([1.0, 2.0], [1.5, 1.0]))
    assert told(a, b) == "2 values moved by 0.75 on average; moved most: b (-1), a (+0.5)"
    assert "nothing to compare" in told(a, classes([0, 1], "ab"))


def test_each_split_that_both_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a, b = made(0, score(), score(split="test")), made(1, score())
    for run, given in ((a, [0, 1, 2, 0]), (b, [0, 1, 2, 1])):
        (Path("runs") / run.run_id / "predictions").mkdir(parents=True)
        write(classes(given), Path("runs") / run.run_id / "predictions/val.parquet")
    (line,) = between(a, b)
    assert line.startswith("val: 1 of 4 predictions flipped (1 right → wrong, 0 wrong → right, 0 otherwise); moved")
    (Path("runs") / b.run_id / "predictions/val.parquet").unlink()
    assert "val: runs/20261120-133701-net-s1-9f3c1a7e/predictions/val.parquet is not a readable" in between(a, b)[0]
