"""The folder of runs: one run for one identity, whatever crashes, and the run that `run_id=` means."""

import logging
import multiprocessing
import os
import time
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import yaml
from invented import full, running, score

from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.provenance import code
from receipts.refusal import CheckFailed, Refusal
from receipts.runs import claims, overview, store, views
from receipts.runs import record as records
from receipts.runs.process import this_process
from receipts.runs.record import Check, Code, Core, Failure, Process, Record

RUNS = Path("runs")
fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(record: Record) -> Record:
    """A run folder as it lies on the disk."""
    folder = RUNS / record.run_id
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(records.encode(record))
    return record


def stored(run_id: str) -> Record:
    return records.read(RUNS / run_id)


def claim(draft: Record, text: bytes, **switches: bool) -> store.Run:
    """What `train.py` comes to for a draft whose config is this text."""
    values = yaml.safe_load(text) or {}
    return claims.claim(draft, Experiment(Config(**switches), values, draft.conf, draft.preset, "digits", []))


def failed(letter: str = "a", second: int = 0, reason: str = "loss is NaN") -> Record:
    return running(letter, second=second, status="failed", failure=Failure(reason, []))


def gone(letter: str = "a", second: int = 0) -> Record:
    return running(letter, second=second, process=Process(this_process().host, this_process().pid, 0.0))


# Claiming -----------------------------------------------------------------------------------------------------------


def test_a_new_identity_gets_a_whole_folder_of_its_own() -> None:
    run = claim(running(), b"seed: 0\n")
    assert not run.is_finished
    assert run.folder == RUNS / "20261120-133700-net-s0-aaaaaaaa"
    assert (run.folder / "config.yaml").read_bytes() == b"seed: 0\n"
    assert stored(run.record.run_id) == run.record
    assert run.folder.stat().st_mode & 0o777 == 0o755


def test_a_completed_identity_is_shown_and_nothing_is_made() -> None:
    put(full())
    run = claim(running(second=9), b"")
    assert run.is_finished
    assert run.record.run_id.endswith("133700-net-s0-aaaaaaaa")
    assert len(store.folders()) == 1


def test_the_same_values_under_another_name_are_one_run_that_knows_both() -> None:
    put(full())
    for _ in range(2):
        run = claim(running(conf="twin", second=9), b"")
        assert run.record.names == ["net", "twin"]
        assert stored(run.record.run_id).names == ["net", "twin"]


def test_rerun_makes_another_run_of_the_same_identity() -> None:
    put(full())
    run = claim(running(second=9), b"", rerun=True)
    assert not run.is_finished
    assert len(store.folders()) == 2


def test_what_failed_is_shown_with_its_reason_until_it_is_retried() -> None:
    put(failed())
    with pytest.raises(Refusal, match="failed, and nothing it depends on has changed") as found:
        claim(running(second=9), b"")
    assert found.value.why == "loss is NaN"
    assert "retry=true" in found.value.fix
    assert not claim(running(second=9), b"", retry=True).is_finished
    assert not claim(running("b"), b"").is_finished  # another identity was never in the way


def test_a_completed_run_outweighs_a_failed_one_before_or_after_it() -> None:
    put(failed(second=0))
    put(full(second=1))
    put(failed(second=2))
    assert claim(running(second=9), b"").is_finished
    assert claim(running(second=9), b"", retry=True).is_finished


def test_only_the_newest_failure_stands_in_the_way() -> None:
    put(failed(second=0))
    put(gone(second=1))
    assert not claim(running(second=9), b"").is_finished


def test_an_identity_that_is_running_is_refused_and_one_that_was_left_is_not() -> None:
    put(gone(second=0))
    first = claim(running(second=1), b"")
    for switches in ({}, {"rerun": True}, {"retry": True}):
        with pytest.raises(Refusal, match=f"{first.record.run_id} is running"):
            claim(running(second=9), b"", **switches)


def test_a_prefix_of_the_identity_is_not_the_identity() -> None:
    other = full()
    other.identity = type(other.identity)("a" * 8 + "b" * 56, *"12345")
    put(other)
    assert not claim(running(second=9), b"").is_finished


def test_two_runs_of_one_second_get_two_names() -> None:
    taken = put(failed())
    run = claim(running(), b"", retry=True)
    assert run.record.run_id != taken.run_id
    assert run.record.run_id.endswith("-net-s0-aaaaaaaa")
    assert stored(run.record.run_id).run_id == run.record.run_id
    assert stored(taken.run_id).status == "failed"


def test_a_clock_that_went_back_is_told_of() -> None:
    assert claim(running(), b"").record.warnings == []
    ahead = "20991231-235959-net-s0-bbbbbbbb"
    put(full("b", run_id=ahead))
    (warning,) = claim(running("c"), b"").record.warnings
    assert f"the clock is behind {ahead}" in warning
    assert "name this one by its id" in warning


def claimant(letter: str, barrier: Barrier, answers: "SimpleQueue[Any]", fails: bool) -> None:
    draft = running(letter)
    barrier.wait()
    try:
        run = claim(draft, b"", retry=fails, wait=fails)
    except Refusal as problem:
        answers.put(problem.what)
    else:
        if fails:
            run.record.status, run.record.failure = "failed", Failure("of course", [])
            run.save()
        answers.put(run.record.run_id)
    barrier.wait()  # nobody's process ends before everybody has claimed


def together(letters: str, fails: bool = False) -> list[str]:
    """What as many processes as there are letters got from claiming at the same moment."""
    barrier, answers = fork.Barrier(len(letters)), fork.SimpleQueue()
    processes = [fork.Process(target=claimant, args=(letter, barrier, answers, fails)) for letter in letters]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * len(letters)
    return sorted(answers.get() for _ in letters)


def test_of_four_processes_with_one_identity_exactly_one_runs() -> None:
    answers = together("aaaa")
    winner = answers[0]
    assert answers[1:] == [f"{winner} is running"] * 3
    assert [folder.name for folder in store.folders()] == [winner]


def test_four_processes_of_one_second_share_nothing() -> None:
    answers = together("abcd")
    assert [stored(run_id).identity.id[0] for run_id in answers] == list("abcd")


def test_four_retries_of_one_second_get_four_names() -> None:
    assert len(set(together("aaaa", fails=True))) == 4
    assert len(store.folders()) == 4


@pytest.mark.parametrize("crash", [KeyboardInterrupt, OSError])
def test_a_crash_before_a_folder_has_its_name_leaves_nothing_that_counts(
    crash: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object) -> None:
        raise crash

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", stop)
        with pytest.raises(crash):
            claim(running(), b"")
    assert list(RUNS.glob(".new-*/record.json")) or crash is OSError
    assert store.folders() == []
    assert list(store.known("a" * 64)) == []
    with pytest.raises(Refusal, match="there is no completed run"):
        store.select("latest")
    overview.show(None)
    assert "no runs yet" in capsys.readouterr().out
    assert not claim(running(), b"").is_finished


def test_what_a_killed_process_had_begun_is_swept_by_the_next_one() -> None:
    orphan = RUNS / ".new-abcdefgh"
    orphan.mkdir(parents=True)
    (orphan / "config.yaml").write_text("seed: 0\n")
    put(full())
    half = RUNS / "20261120-133700-net-s0-aaaaaaaa" / ".record.json.abcd_efg"
    half.write_text("{")
    index = RUNS / "..known.json.abcdefgh"
    index.write_text("{")
    claim(running("b"), b"").complete()
    with store.editing("20261120-133700-net-s0-aaaaaaaa"):
        pass
    assert [path.exists() for path in (orphan, half, index)] == [False, False, False]


def test_views_that_a_killed_process_left_behind_are_written_when_the_run_is_shown() -> None:
    done = put(full())
    assert not views.are_current(done)
    assert claim(running(), b"").is_finished
    assert views.are_current(done)
    assert "accuracy" in (RUNS / done.run_id / "README.md").read_text()


def test_foreign_folders_do_not_count() -> None:
    (RUNS / "stages").mkdir(parents=True)
    (RUNS / "stages/net").write_text("x")
    (RUNS / "notes").mkdir()
    put(full())
    assert [folder.name for folder in store.folders()] == ["20261120-133700-net-s0-aaaaaaaa"]


# A run under way ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_stopped_is_left_as_it_was(stop: type[BaseException]) -> None:
    run = claim(running(), b"")

    def train() -> None:
        with run:
            raise stop

    with pytest.raises(stop):
        train()
    assert stored(run.record.run_id).status == "running"


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


# Selecting ----------------------------------------------------------------------------------------------------------


def test_a_run_is_found_by_its_id_or_by_a_beginning_that_only_it_has() -> None:
    put(full("a", second=1))
    put(full("b", second=2))
    put(full("b", second=22))
    assert store.select("20261120-133701-net-s0-aaaaaaaa").identity.id == "a" * 64
    assert store.select("20261120-133701").identity.id == "a" * 64
    put(full("c", second=23))
    with pytest.raises(Refusal, match="20261120-13372 is the beginning of 2 runs") as found:
        store.select("20261120-13372")
    assert "20261120-133723-net-s0-cccccccc, 20261120-133722-net-s0-bbbbbbbb" in found.value.why
    with pytest.raises(Refusal, match="there is no run 2025"):
        store.select("2025")


def test_an_id_that_another_one_begins_with_is_still_an_id() -> None:
    put(full("a"))
    longer = full("a")
    longer.run_id += "0"
    put(longer)
    assert store.select("20261120-133700-net-s0-aaaaaaaa").run_id == "20261120-133700-net-s0-aaaaaaaa"


@pytest.mark.parametrize("wanted", ["", "..", "../runs", "/etc", "a/b", "a\\b", ".new-abc", "../../x/record.json"])
def test_what_leads_out_of_the_folder_is_no_id(wanted: str) -> None:
    (Path("x")).mkdir()
    (Path("x") / "record.json").write_bytes(records.encode(full()))
    with pytest.raises(Refusal, match="is no run id"):
        store.select(wanted)


@pytest.mark.parametrize("wanted", ["*", "?", "[2]", "latest*", "LATEST", "20261120-133700-net-s0-aaaaaaaa\0", " "])
def test_patterns_are_no_ids(wanted: str) -> None:
    put(full())
    with pytest.raises(Refusal, match=r"there is no run|is no run id"):
        store.select(wanted)


def test_latest_is_the_newest_that_completed() -> None:
    put(full("a", second=1))
    put(full("b", second=2))
    put(failed("c", second=3))
    put(running("d", second=4))
    assert store.select("latest").identity.id == "b" * 64


def test_an_unreadable_record_is_a_row_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    put(full("a"))
    broken = put(full("b", second=1))
    (RUNS / broken.run_id / "record.json").write_text("{")
    put(failed("c", second=2))
    overview.show(None)
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert rows[1:] == [
        ["20261120-133702-net-s0-cccccccc", "failed"],
        ["20261120-133701-net-s0-bbbbbbbb", "unreadable"],
        ["20261120-133700-net-s0-aaaaaaaa", "completed"],
    ]
    overview.show("other")
    assert "aaaaaaaa" not in capsys.readouterr().out


def test_the_process_that_runs_is_the_one_recorded() -> None:
    assert claim(running(), b"").record.process.pid == os.getpid()
