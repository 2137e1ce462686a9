"""Journeys of running: several at once, from other weights, by the clock, on data nobody measured, on a full disk."""

import csv
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from folders import commit, record, runs, write
from invented import running
from launching import Ended, begin, ended, launch

from receipts.refusal import Refusal
from receipts.runs import claims
from receipts.runs.log import Log
from receipts.runs.store import disk_trouble

Run = Callable[..., Ended]

MADE = """
from lab.data import Diabetes

class Made(Diabetes):
    def __init__(self, inputs, targets, kind, generator):
        super().__init__(inputs, targets)
        self.kind = kind
        if generator:
            self.generator = generator
"""
SLOW = """
import time
from pathlib import Path
from lab.net import Net

class Changed(Net):
    def on_train_epoch_start(self):
        while Path("hold").exists():
            time.sleep(0.02)
"""
TIGHT = """
import resource
from lab.net import Net

class Changed(Net):
    def on_train_epoch_start(self):
        if self.current_epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (24_000, 24_000))
"""


def made(folder: Path, kind: str, generator: str = "", waive: str = "") -> Ended:
    """A project whose data were made; returns how their split ended."""
    write(folder, "src/lab/made.py", MADE)
    files = "inputs: data/diabetes_data_raw.csv.gz, targets: data/diabetes_target.csv.gz"
    text = f"data: {{_target_: lab.made.Made, {files}, kind: {kind}, generator: '{generator}'}}\n"
    rest = (
        "split: {rule: contiguous, shares: {train: 0.6, val: 0.2, test: 0.2}}\ntask: {kind: regression, primary: mae}\n"
    )
    write(folder, "conf/data/made.yaml", text + rest)
    write(folder, "conf/made.yaml", (folder / "conf/ridge.yaml").read_text().replace("diabetes]", "made]") + waive)
    done = launch(folder, "receipts", "split", "made")
    commit(folder)
    return done


def changed(folder: Path, code: str, fit: str = "") -> None:
    """An experiment of a network that `code` changes."""
    write(folder, "src/lab/changed.py", code)
    head = "purpose: A test.\nseed: 0\nmodel: {_target_: lab.changed.Changed, features: 64, outputs: 10, hidden: 16, "
    write(folder, "conf/changed.yaml", f"{head}dropout: 0.0, lr: 0.01}}\nfit: {{epochs: 3, batch_size: 64{fit}}}\n")
    commit(folder)


# --- identical launches -----------------------------------------------------------------------------------------------


def test_of_identical_launches_one_runs_one_waits_and_one_is_refused(project: Path, run: Run) -> None:
    changed(project, SLOW)
    (project / "hold").touch()
    both = [begin(project, "train.py", "conf=changed", "trainer=cpu") for _ in range(2)]
    until = time.monotonic() + 60
    while all(process.is_alive() for process in both):
        assert time.monotonic() < until
        time.sleep(0.05)
    (first,) = [process for process in both if process.is_alive()]
    (refused,) = [ended(project, process) for process in both if process is not first]
    (folder,) = runs(project)
    assert refused.code == 3
    assert f"REFUSED  {folder.name} is running" in refused.err
    assert "wait=true" in refused.err

    waiting = begin(project, "train.py", "conf=changed", "wait=true")
    time.sleep(1)
    assert waiting.is_alive()
    (project / "hold").unlink()
    for process in (first, waiting):
        process.join(60)
    winner, waited = ended(project, first), ended(project, waiting)
    assert (winner.code, waited.code, waited.err) == (0, 0, "")
    assert waited.out.startswith(f"waiting for {folder.name}")
    shown = waited.out.splitlines()[1:]
    assert shown[0] == f"run {folder.name}  completed"
    assert shown == winner.out.splitlines()[-len(shown) :]
    assert runs(project) == [folder]


def test_who_waits_for_a_run_that_dies_runs_it_anew(project: Path) -> None:
    changed(project, SLOW)
    (project / "hold").touch()
    first = begin(project, "train.py", "conf=changed")
    until = time.monotonic() + 60
    while not runs(project):
        assert time.monotonic() < until
        time.sleep(0.05)
    waiting = begin(project, "train.py", "conf=changed", "wait=true")
    time.sleep(1)
    first.kill()
    first.join(10)
    (project / "hold").unlink()
    waiting.join(60)
    assert ended(project, waiting).code == 0
    assert [record(project, number)["status"] for number in (0, 1)] == ["completed", "running"]


# --- from other weights, by the clock ---------------------------------------------------------------------------------


def test_a_run_starts_from_the_weights_of_another(project: Path, run: Run) -> None:
    assert run("train.py", "conf=net").code == 0
    parent = record(project)
    words = ("conf=net", "fit.epochs=0", "fit.init_from=latest:net")
    assert run("train.py", *words).code == 0
    child = record(project)
    assert child["parent"] == parent["run_id"]
    assert child["identity"]["id"] != parent["identity"]["id"]
    assert child["checkpoint"]["weights"] == parent["checkpoint"]["weights"]
    assert child["scores"][0]["metrics"] == parent["scores"][0]["metrics"]
    config = (runs(project)[0] / "config.yaml").read_text()
    assert f"run: {parent['run_id']}" in config
    assert f"those of `{parent['run_id']}`" in (runs(project)[0] / "README.md").read_text()
    assert "epoch" not in run("train.py", *words).out
    assert len(runs(project)) == 2
    done = run("eval.py", f"run_id={child['run_id']}")
    assert (done.code, done.err) == (0, "")

    assert run("train.py", "conf=net", "preset=smoke").code == 0
    assert run("train.py", "conf=net", f"fit.init_from={record(project)['run_id']}").code == 0
    assert "which is not reportable: limit: rows 200, epochs 1" in record(project)["blocked_by"][0]


def test_weights_of_another_architecture_are_refused_by_key(project: Path, run: Run) -> None:
    assert run("train.py", "conf=net", "fit.epochs=1").code == 0
    name = runs(project)[0].name
    refused = run("train.py", "conf=wider", f"fit.init_from={name}")
    assert refused.code == 3
    assert f"REFUSED  fit.init_from: {name} has another architecture" in refused.err
    assert "body.0.weight is (32, 64) here and (16, 64) there" in refused.err
    assert "Traceback" not in refused.err
    assert run("train.py", "conf=linear").code == 0
    (linear,) = project.glob("runs/*-linear-*")
    estimator = run("train.py", "conf=net", f"fit.init_from={linear.name}")
    assert (estimator.code, "is a run of an estimator" in estimator.err) == (3, True)
    for word, what in (("nobody", "there is no run nobody"), ("latest:wider", "there is no completed run of wider")):
        nobody = run("train.py", "conf=net", f"fit.init_from={word}")
        assert (nobody.code, what in nobody.err) == (3, True)


def test_the_clock_ends_training_at_a_checkpoint(project: Path, run: Run) -> None:
    done = run("train.py", "conf=net", "fit.epochs=100000", "fit.max_minutes=0.03")
    assert (done.code, done.err) == (0, "")
    found = record(project)
    assert found["stopped"].startswith("fit.max_minutes 0.03 were over: ended at epoch ")
    assert found["status"] == "completed"
    assert {check["verdict"] for check in found["checks"]} <= {"pass", "not applicable"}
    assert found["stopped"] in (runs(project)[0] / "README.md").read_text()
    last = torch.load(runs(project)[0] / "checkpoints/last.ckpt", weights_only=True)
    rows = list(csv.DictReader((runs(project)[0] / "history.csv").read_text().splitlines()))
    assert last["global_step"] == int(rows[-1]["step"])
    assert rows[-1]["val/accuracy"]
    assert max(float(row["cpu_percent"] or 0) for row in rows) > 10
    assert float(rows[-1]["memory_mib"]) > 50


def test_patience_is_told(project: Path, run: Run) -> None:
    unlearnt = "+waive={beats-the-floor: nothing is to be learnt}"
    done = run("train.py", "conf=net", "fit.epochs=50", "fit.select.patience=1", "model.lr=1e-9", unlearnt)
    assert done.code == 0
    assert record(project)["stopped"].startswith("no better val accuracy for 1 passes over val: ended at epoch ")


# --- data that nobody measured ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["synthetic", "simulated", "generated"])
def test_made_data_need_a_reason_and_every_number_says_what_it_is(kind: str, project: Path, run: Run) -> None:
    generator = "a language model, version 1" if kind == "generated" else ""
    assert made(project, kind, generator).code == 0
    refused = run("train.py", "conf=made")
    assert refused.code == 3
    assert f"the data are {kind}" in refused.err
    assert "waive: {synthetic-data: the reason}" in refused.err
    assert generator in refused.err
    assert runs(project) == []
    assert run("train.py", "conf=made", "preset=smoke").code == 0
    word = kind.upper()
    assert f"the data are {word}" in record(project)["blocked_by"]

    made(project, kind, generator, "waive: {synthetic-data: the world is unknown and the method is to find it}\n")
    done = run("train.py", "conf=made")
    assert (done.code, done.err) == (0, "")
    value = record(project)["scores"][0]["metrics"]["mae"]["value"]
    assert f"mae {value:.4f} {word}" in done.out
    assert record(project)["data"]["generator"] == (generator or None)
    text = (runs(project)[0] / "README.md").read_text()
    assert f"| {value:.4f} {word} |" in text
    assert f"its numbers may be reported, each with the word {word}" in text
    assert "waived: the world is unknown" in text
    assert json.loads((runs(project)[0] / "metrics.json").read_text())["data"] == word
    assert run("eval.py", "run_id=latest:made").code == 0
    assert f" {word} " in run("receipts", "ls").out


def test_generated_data_name_their_generator(project: Path) -> None:
    refused = made(project, "generated")
    assert refused.code == 3
    assert "Made is generated and does not name its generator" in refused.err


def test_an_experiment_in_full_says_what_it_is_for(project: Path, run: Run) -> None:
    write(project, "conf/mute.yaml", "defaults: [net]\n")
    commit(project)
    refused = run("train.py", "conf=mute")
    assert (refused.code, "REFUSED  purpose is not stated" in refused.err) == (3, True)
    assert run("train.py", "conf=mute", "preset=smoke").code == 0
    assert run("train.py", "conf=mute", "purpose='To see.'").code == 0


# --- presets and prompts ----------------------------------------------------------------------------------------------


def test_stacked_presets_are_told_where_they_disagree(project: Path, run: Run) -> None:
    done = run("train.py", "conf=net", "preset=[fast,smoke,bf16]")
    assert (done.code, done.err) == (0, "")
    assert "WARNING  presets fast and smoke both set limit.rows: fast says 1000, smoke says 200 and wins" in done.out
    found = record(project)
    assert (found["preset"], found["world"]["precision"]) == (["fast", "smoke", "bf16"], "bf16-mixed")
    refused = run("train.py", "conf=linear", "preset=[smoke,bf16]")
    assert refused.code == 3
    assert "REFUSED  preset bf16 sets fit.precision, which means nothing to sklearn.pipeline.Pipeline" in refused.err


def test_prompts_and_what_was_answered_stay_with_the_run(project: Path, run: Run) -> None:
    code = "from pathlib import Path\nfrom lab.net import Net\n\nclass Changed(Net):\n    def on_fit_end(self):\n"
    changed(project, code + '        Path("prompts/responses.jsonl").write_text("yes")\n')
    (project / "prompts").mkdir()
    (project / "prompts/ask.txt").write_text("Is it a seven?")
    assert run("train.py", "conf=changed").code == 0
    kept = runs(project)[0] / "prompts"
    (project / "prompts/ask.txt").write_text("Is it an eight?")
    assert run("eval.py", "run_id=latest").code == 0
    assert {path.name: path.read_text() for path in kept.iterdir()} == {
        "ask.txt": "Is it a seven?",
        "responses.jsonl": "yes",
    }


# --- a full disk ------------------------------------------------------------------------------------------------------


def test_a_full_disk_fails_the_run_and_keeps_what_was_written(project: Path, run: Run) -> None:
    changed(project, TIGHT)
    done = run("train.py", "conf=changed")
    assert done.code == 4, done.err
    assert "FAILED  the disk is full" in done.err
    assert "Traceback" not in done.err
    found = record(project)
    assert found["status"] == "failed"
    assert found["failure"]["reason"].startswith("the disk is full: File too large")
    folder = runs(project)[0]
    assert torch.load(folder / "checkpoints/best.ckpt", weights_only=True)["epoch"] == 0
    assert len((folder / "history.csv").read_text().splitlines()) >= 2
    assert not [path for path in folder.rglob(".*") if path.suffix != ".lock"]
    assert "the disk is full" in (folder / "README.md").read_text()
    again = run("train.py", "conf=changed")
    assert (again.code, "retry=true" in again.err) == (3, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_line_that_cannot_be_logged_is_no_secret() -> None:
    import logging

    log = Log("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        log.emit(logging.LogRecord("receipts", logging.INFO, "", 0, "a line", None, None))
    log.close()


@pytest.mark.parametrize(("number", "code", "fix"), [(28, 4, "make room"), (5, 3, "copy it to another disk")])
def test_a_full_or_failing_disk_is_known_by_whatever_hides_it(number: int, code: int, fix: str) -> None:
    full = OSError(number, os.strerror(number), "x.ckpt")
    outer = RuntimeError("while saving")
    outer.__cause__ = full
    told = disk_trouble(outer)
    assert told is not None
    assert (told.exit_code, fix in told.fix, "the same command with retry=true" in told.fix) == (code, True, True)
    assert f"{os.strerror(number)} (x.ckpt)" in told.why
    assert disk_trouble(RuntimeError("else")) is None


def test_nothing_is_started_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "config.yaml")

    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    monkeypatch.setattr(claims, "write_atomically", full)
    with pytest.raises(Refusal, match="is on a full disk"):
        claims.create(running(), b"")
    assert list(Path("runs").iterdir()) == []


def test_of_two_evaluations_at_once_only_one_opens_the_test_split(project: Path, run: Run) -> None:
    assert run("train.py", "conf=linear").code == 0
    (folder,) = runs(project)
    with FileLock(folder / ".record.lock"):  # both find no score, and wait for the record
        both = [begin(project, "eval.py", "run_id=latest") for _ in range(2)]
        time.sleep(3)
    for process in both:
        process.join(60)
    done = [ended(project, process) for process in both]
    assert [one.code for one in done] == [0, 0], done[1].err
    assert [one.out.count("  test  accuracy") for one in done] == [1, 1]
    found = record(project)
    assert len(found["openings"]) == 1
    assert [score["split"] for score in found["scores"]] == ["val", "test"]
