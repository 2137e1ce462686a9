"""A run under way: how it ends, what is counted, and who may add to its record."""

import errno
import logging
import os
import signal
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from invented import full, running, score
from stored import RUNS, claim, fork, put, stored

from receipts.provenance import code
from receipts.refusal import CheckFailed, Refusal
from receipts.runs import store
from receipts.runs.record import Check, Code, Core, Process
from receipts.runs.store import LeftEarly


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_exception_ends_a_run_as_failed_with_its_reason_and_the_end_of_its_log() -> None:
    run = claim(running(), b"")

    def train() -> None:
        with run:
            for number in range(30):
                logging.getLogger("receipts").info("step %d", number)
            raise ValueError("loss is NaN")

    with pytest.raises(ValueError, match="loss is NaN"):
        train()
    record = stored(run.record.run_id)
    assert record.status == "failed"
    assert record.ended
    assert record.failure
    assert record.failure.reason == "ValueError: loss is NaN"
    assert len(record.failure.log_tail) == store.LOG_TAIL
    assert record.failure.log_tail[-1] == "ValueError: loss is NaN"
    assert any(line.endswith("step 29") for line in record.failure.log_tail)
    assert "This run **failed**: ValueError: loss is NaN" in (run.folder / "README.md").read_text()
    assert logging.getLogger().handlers == [h for h in logging.getLogger().handlers if "train.log" not in str(h)]


def test_a_failed_check_ends_a_run_without_a_traceback() -> None:
    run = claim(running(), b"")

    def check() -> None:
        with run:
            raise CheckFailed("row-counts", "3 rows are missing", "they were there yesterday", "bring them back")

    with pytest.raises(CheckFailed):
        check()
    failure = stored(run.record.run_id).failure
    assert failure
    assert (failure.reason, failure.fix) == ("3 rows are missing: they were there yesterday", "bring them back")
    assert "they were there yesterday; what helps: bring them back" in (run.folder / "README.md").read_text()
    with pytest.raises(Refusal, match="bring them back, or retry=true"):
        claim(running(), b"")
    assert "Traceback" not in (run.folder / "train.log").read_text()


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(128 + signal.SIGTERM)])
def test_a_run_that_is_stopped_is_left_as_it_was(stop: BaseException) -> None:
    run = claim(running(), b"")

    def train() -> None:
        with run:
            raise stop

    with pytest.raises(type(stop)):
        train()
    assert stored(run.record.run_id).status == "running"


@pytest.mark.parametrize("left", [None, 0, 1, "enough"])
def test_a_run_whose_own_code_ends_the_program_has_failed_whatever_code_that_leaves(left: object) -> None:
    run = claim(running(), b"")

    def train() -> None:
        with run:
            sys.exit(left)  # type: ignore[arg-type]

    with pytest.raises(LeftEarly):
        train()
    found = stored(run.record.run_id)
    assert found.status == "failed"
    assert found.failure is not None
    assert f"sys.exit({left!r}) was called before the run was complete" in found.failure.reason


def test_a_run_beats_while_it_lives_and_not_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HEARTBEAT_S", 0.01)
    long_ago = "2020-01-01T00:00:00Z"
    run = claim(running(heartbeat=long_ago), b"")
    with run:
        deadline = time.monotonic() + 10
        while stored(run.record.run_id).heartbeat == long_ago:
            assert time.monotonic() < deadline, "no heart beats"
            time.sleep(0.01)
        run.complete()
    before = (run.folder / "record.json").stat().st_mtime_ns
    time.sleep(0.1)
    assert (run.folder / "record.json").stat().st_mtime_ns == before


def test_a_run_that_was_taken_over_is_left_alone_by_who_had_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HEARTBEAT_S", 0.01)
    codes: list[int] = []
    monkeypatch.setattr(store.os, "_exit", codes.append)
    run = claim(running(), b"")
    theirs = stored(run.record.run_id)
    theirs.process = Process("far", 1, 2.0)
    with run:
        with pytest.raises(store.TakenOver):
            store.Run(run.folder, theirs).save()
        store.Run(run.folder, theirs).save(taking=True)
        deadline = time.monotonic() + 10
        while not codes:
            assert time.monotonic() < deadline, "nobody notices"
            time.sleep(0.01)
    assert codes[0] == 3
    assert stored(run.record.run_id) == theirs
    with pytest.raises(Refusal, match="has become another process's"):
        run.complete()
    (run.folder / "record.json").write_text("{")
    run.save()
    assert stored(run.record.run_id).process == run.record.process, "what nobody can read is nobody's"


def test_completing_says_what_keeps_the_numbers_out_of_a_paper() -> None:
    clean = claim(running(), b"").complete()
    assert (clean.status, clean.reportable, clean.blocked_by) == ("completed", True, [])
    assert stored(clean.run_id) == clean
    assert (RUNS / clean.run_id / "README.md").is_file()

    blocked = running("b", limit={"rows": 200, "epochs": 1}, checks=[Check("lineage", "fail", "it is not")])
    blocked.code = Code("c0ffee", ["src/lab/net.py"], None, Core("0.1.0", "01"), "cd", {})
    blocked.data.kind = "synthetic"
    assert claim(blocked, b"").complete().blocked_by == [
        "dirty: 1 files differ from the commit",
        "limit: rows 200, epochs 1",
        "the data are SYNTHETIC",
        "check failed: lineage",
    ]


def test_a_later_evaluation_does_not_move_the_end() -> None:
    record = put(full())
    with store.editing(record.run_id) as run:
        assert run.complete().ended == record.ended


def test_looks_at_a_sealed_split_are_counted_before_they_are_taken() -> None:
    run = claim(running(), b"")
    for split in ("train", "val", "test", "test"):
        run.open_split(split, "eval.py", "c0ffee")
    openings = stored(run.record.run_id).openings
    assert [(opening.split, opening.by, opening.commit) for opening in openings] == [("test", "eval.py", "c0ffee")] * 2


def test_an_opened_split_is_not_opened_again_for_the_same_harness() -> None:
    record = full()
    assert not store.is_scored(record, "test")  # by another harness
    record.scores[1].harness = record.scores[0].harness = code.harness()
    assert store.is_scored(record, "test")
    assert not store.is_scored(record, "val")  # costs nothing to open
    assert not store.is_scored(record, "holdout")


def add_score(run_id: str, barrier: Barrier) -> None:
    barrier.wait()
    with store.editing(run_id) as run:
        run.record.scores.append(score("extra"))
        time.sleep(0.02)


def test_two_evaluations_at_once_lose_nothing() -> None:
    record = put(full())
    barrier = fork.Barrier(4)
    processes = [fork.Process(target=add_score, args=(record.run_id, barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [score.split for score in stored(record.run_id).scores] == ["val", "test"] + ["extra"] * 4


def test_an_edit_that_fails_changes_nothing() -> None:
    record = put(full())

    def edit() -> None:
        with store.editing(record.run_id) as run:
            run.record.names.append("half")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        edit()
    assert stored(record.run_id).names == ["net"]
    with store.editing(record.run_id):  # the lock is free again
        pass


@pytest.mark.parametrize("saving", [False, True])
@pytest.mark.parametrize(
    ("number", "what", "fix"),
    [
        (errno.ENOSPC, "the disk is full", "make room, then the same command      ("),
        (errno.EIO, "the disk answers with errors", "copy it to another disk, then the same command      ("),
    ],
)
def test_an_edit_on_a_disk_that_is_full_or_fails_says_so_and_leaves_what_was_there(
    saving: bool, number: int, what: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put(full())

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(number, os.strerror(number))

    def edit() -> None:
        with store.editing(record.run_id) as run:
            run.record.names.append("half")
            if not saving:
                run.save()

    with monkeypatch.context() as disk:
        disk.setattr(store, "write_atomically", refuse)
        with pytest.raises(Refusal) as told:
            edit()
    assert told.value.what == what
    assert told.value.fix.startswith(fix)
    assert stored(record.run_id).names == ["net"]


def test_a_disk_that_takes_no_record_either_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error", str(path))

    run = claim(running(), b"")

    def train() -> None:
        with run:
            monkeypatch.setattr(store, "write_atomically", refuse)
            run.record.names.append("more")
            run.save()

    with pytest.raises(Refusal, match="the disk answers with errors"):
        train()
    assert stored(run.record.run_id).status == "running"


def test_the_process_that_runs_is_the_one_recorded() -> None:
    assert claim(running(), b"").record.process.pid == os.getpid()
