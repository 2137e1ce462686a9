"""One file of predictions, whoever makes it: processes take whole batches, so the same rows stand together."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from folders import commit, record, runs, write
from launching import lamed, launch

from receipts.data.sealed import Subset
from receipts.data.shares import Share
from receipts.evaluation.storage import read
from receipts.training import parts
from receipts.training.deaths import RankDied
from receipts.training.parts import read as part_of
from receipts.training.parts import write as leave
from receipts.training.validation import once

SHARES = {"few": "{train: 0.6, val: 0.003, test: 0.397}", "many": "{train: 0.3, val: 0.697, test: 0.003}"}
ROWS = {"few": 5, "many": 1252}
DATA = """
data: {_target_: lab.data.Digits, path: data/digits.csv.gz}
task: {kind: classification, classes: 10, primary: accuracy}
split: {rule: contiguous, shares: %s}
"""


def trained(project: Path, name: str, processes: int) -> Path:
    """The run of a network on so many processes, whose val split has few rows or many."""
    write(project, f"conf/data/{name}.yaml", DATA % SHARES[name])
    assert (done := launch(project, "receipts", "split", name)).code == 0, done.err
    commit(project)
    words = ("conf=net", f"data={name}", "fit.batch_size=48", "trainer=ddp_cpu", f"trainer.processes={processes}")
    done = launch(project, "train.py", *words)
    assert done.code == 0, done.err
    return runs(project)[0]


def proved(project: Path, run: Path, name: str, processes: int) -> None:
    """Scoring val again with so many processes leaves the same file as training did, each id once."""
    file, before = run / "predictions/val.parquet", run.parent / "before.parquet"
    shutil.copy(file, before)
    file.unlink()
    done = launch(project, "eval.py", f"run_id={run.name}", "split=val", f"processes={processes}")
    assert (done.code, done.err) == (0, "")
    assert file.read_bytes() == before.read_bytes()
    stored = read(file)
    assert len(stored.ids) == len(set(stored.ids)) == ROWS[name]
    assert {path.name for path in run.glob("eval.*.log")} == {f"eval.rank{rank}.log" for rank in range(1, processes)}


def kept_is_scored(run: Path) -> None:
    """What all processes gathered in the epoch that was kept is what one process stored afterwards, to the last bit."""
    found = record(run.parents[1])
    rows = [line.split(",") for line in (run / "history.csv").read_text().splitlines()]
    epoch, nll = rows[0].index("epoch"), rows[0].index("val/nll")
    (kept,) = [row for row in rows[1:] if int(row[epoch]) == found["checkpoint"]["epoch"]]
    assert float(kept[nll]) == found["scores"][0]["metrics"]["nll"]["value"]


def test_five_samples_on_three_processes_are_those_of_one(project: Path) -> None:
    run = trained(project, "few", 3)
    kept_is_scored(run)
    proved(project, run, "few", 3)
    assert launch(project, "eval.py", "run_id=latest", "split=val").code == 0
    assert (run / "predictions/val.parquet").read_bytes() == (run.parent / "before.parquet").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "train", "score"), [("many", 1, 3), ("many", 2, 2), ("many", 3, 1), ("few", 2, 2)])
def test_any_number_of_processes_leaves_one_file(project: Path, name: str, train: int, score: int) -> None:
    run = trained(project, name, train)
    kept_is_scored(run)
    proved(project, run, name, score)


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("n", [5, 1797])
def test_batches_are_the_same_rows_in_any_number_of_processes(n: int, world: int) -> None:
    ids = [f"digit-{row:04d}" for row in range(n)]
    val = Subset("val", ids, {"x": np.arange(n)}, np.arange(n), None, None)
    seen, size = [], 16
    for rank in range(world):
        mine = Share(rank, world).of_split(val, size)
        rows = [int(row) for row in np.asarray(mine.targets)]
        seen += [rows[first : first + size] for first in range(0, len(rows), size)]
    alone = [list(range(n))[first : first + size] for first in range(0, n, size)]
    borrowed = max(0, world - len(alone))
    assert sorted(seen)[borrowed:] == alone
    assert all(batch == [0] for batch in sorted(seen)[:borrowed])


def test_a_part_comes_back_as_it_was_left(tmp_path: Path) -> None:
    for outputs in (np.arange(6.0).reshape(2, 3), {"logits": np.ones((2, 3), np.float32), "ids": np.array([7, 8])}):
        leave(tmp_path / "1.npz", ["a", "b"], outputs)
        ids, found = part_of(tmp_path / "1.npz")
        assert ids == ["a", "b"]
        whole = once([(ids, found)], ["b", "a"], 2)
        pairs = zip(*(each.values() if isinstance(each, dict) else [each] for each in (whole, outputs)), strict=True)
        for array, before in pairs:
            assert array.dtype == before.dtype
            assert np.array_equal(array, before[::-1])


@pytest.mark.parametrize(
    ("conf", "words", "what"),
    [
        ("net", ("processes=0",), "processes is 0"),
        ("linear", ("processes=2",), "an estimator predicts in one call"),
        ("module", ("processes=2",), "the batches of a DataModule are its own"),
    ],
)
def test_what_cannot_be_shared_is_refused(project: Path, conf: str, words: tuple[str, ...], what: str) -> None:
    assert launch(project, "train.py", f"conf={conf}", "preset=smoke").code == 0
    done = launch(project, "eval.py", "run_id=latest", "split=val", *words)
    assert done.code == 3
    assert what in done.err


def test_a_process_that_dies_leaves_the_old_file_and_nobody_behind(project: Path) -> None:
    assert launch(project, "train.py", "conf=net", "preset=smoke").code == 0
    (run,) = runs(project)
    before = (run / "predictions/val.parquet").read_bytes()
    done = launch(project, "eval.py", "run_id=latest", "split=val", "processes=2", before=lamed)
    assert done.code == 1
    assert "process 1 of 2 ended with exit code 1" in done.err
    assert "No module named receipts.nowhere" in done.err
    assert (run / "predictions/val.parquet").read_bytes() == before


def test_a_process_that_dies_between_ready_and_go_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "part", lambda *_: ([], {}))
    several: Any = object.__new__(parts.Parts)
    several.run, several.share = SimpleNamespace(folder=tmp_path), Share(0, 2)
    several.method, several.size, several.folder = None, 1, TemporaryDirectory(dir=tmp_path)
    dead = subprocess.Popen(["sh", "-c", "exit 7"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    dead.wait()
    several.processes = {1: dead}
    with pytest.raises(RankDied, match="process 1 of 2 ended with exit code 7"):
        several.predict(None)
