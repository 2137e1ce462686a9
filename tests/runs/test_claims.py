"""The folder of runs: one run for one identity, whatever crashes."""

from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from invented import full, running
from stored import RUNS, claim, failed, fork, gone, put, stored

from receipts.refusal import Refusal
from receipts.runs import choice, overview, store, views
from receipts.runs.record import Failure


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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
    assert found.value.fix.startswith("mend the cause, or retry=true      (its log: ")
    assert not claim(running(second=9), b"", retry=True).is_finished
    assert not claim(running("b"), b"").is_finished  # another identity was never in the way
    full_disk = Failure("the disk is full", [], "make room, then the same command with retry=true")
    put(running("c", status="failed", failure=full_disk))
    with pytest.raises(Refusal, match="the disk is full") as found:
        claim(running("c"), b"")
    assert found.value.fix.count("retry=true") == 1


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
        choice.select("latest")
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
