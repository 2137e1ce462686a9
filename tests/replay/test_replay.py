"""Replays: a printed number is made again from commit, lock and data, and what differs is said."""

import json
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import leaving
import msgspec
import pytest
from folders import commit, git, record, runs, write
from held import until
from launching import Ended, begin, ended
from records import made, score, stored

from receipts.refusal import Refusal
from receipts.replay import clone, environment, replaying, rerun, verdict
from receipts.runs.record import Record

Run = Callable[..., Ended]


def numbers(folder: Path, run_id: str, value: float) -> None:
    """A report that printed one number."""
    receipt = {"runs": [run_id], "seeds": [0], "split": "test"}
    number = {"value": value, "text": f"{value:.3f}", "meaning": "accuracy", "receipt": "main.linear"}
    (folder / "report").mkdir(exist_ok=True)
    facts = {"schema": 1, "numbers": {"main.linear.accuracy": number}, "receipts": {"main.linear": receipt}}
    (folder / "report" / "numbers.json").write_text(json.dumps(facts))


def test_a_key_of_a_table_leads_to_the_same_number_again(project: Path, run: Run) -> None:
    assert run("train.py", "conf=linear").code == 0
    assert run("eval.py", "run_id=latest").code == 0
    found = record(project)
    (folder,) = runs(project)
    before = (folder / "record.json").read_bytes()
    numbers(project, folder.name, found["scores"][1]["metrics"]["accuracy"]["value"])
    write(project, "conf/linear.yaml", "purpose: Another experiment by now.\n")
    commit(project)  # the run's commit is no longer the newest
    done = run("receipts", "rerun", "main.linear.accuracy", "env=current")
    assert done.code == 0, done.err
    assert f"commit {found['code']['commit'][:12]}" in done.out
    assert "requirements.lock is the same, what is installed was not compared" in done.out
    assert "copied from this folder (data/digits.csv.gz)" in done.out
    assert "verdict  identical: 16 of 16 numbers to the last digit; predictions of val equal" in done.out
    assert done.out.splitlines()[-1].endswith(": identical")
    assert (folder / "record.json").read_bytes() == before
    assert len(runs(project)) == 1


def test_a_replay_that_is_told_to_stop_takes_its_clone_along(project: Path, run: Run, tmp_path: Path) -> None:
    assert run("train.py", "conf=linear").code == 0
    (place := tmp_path / "temporary").mkdir()
    for sent in (signal.SIGTERM, signal.SIGINT):
        words = ("receipts", "rerun", "latest", "env=current")
        process = begin(project, *words, before=partial(leaving.apart, place))
        until(lambda: bool(list(place.glob("receipts-*/clone/train.py"))))
        os.kill(process.pid or 0, sent)
        process.join(60)
        done = ended(project, process)
        assert (done.code, "Traceback" in done.err) == (128 + sent, False), done.err
        assert list(place.iterdir()) == []


def test_a_run_from_uncommitted_changes_is_refused_and_its_patch_named(project: Path, run: Run) -> None:
    write(project, "conf/linear.yaml", (project / "conf/linear.yaml").read_text() + "# a remark\n")
    assert run("train.py", "conf=linear", "allow_dirty=true").code == 0
    done = run("receipts", "rerun", "latest", "env=current")
    assert done.code == 3
    assert "was made from uncommitted changes" in done.err
    assert "code.patch" in done.err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with one commit."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.lock").write_text("numpy==2.0\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def test_a_commit_that_nobody_here_knows_is_refused(here: Path) -> None:
    with pytest.raises(Refusal, match="does not know commit c0ffee"), clone.cloned(made()):
        pass


def test_a_commit_that_no_branch_holds_is_cloned_and_the_clone_removed(here: Path) -> None:
    git(here, "checkout", "-q", "--detach")
    write(here, "only-here", "")
    commit(here)
    lost = git(here, "rev-parse", "HEAD").strip()
    git(here, "checkout", "-q", "-")
    found = made()
    found.code.commit = lost
    with clone.cloned(found) as place:
        assert (place / "only-here").is_file()
    assert not place.exists()


def test_the_running_environment_is_only_taken_for_the_same_lock(here: Path, tmp_path: Path) -> None:
    place = tmp_path / "clone"
    place.mkdir()
    (place / "requirements.lock").write_text("numpy==2.1\n")
    with pytest.raises(Refusal, match="is not today's"):
        environment.made(place, "current")
    with pytest.raises(Refusal, match="env=mine"):
        environment.made(place, "mine")


def test_a_replay_knows_no_ranks_and_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example.org")
    found = environment.variables(tmp_path)
    assert "LOCAL_RANK" not in found
    assert found["MLFLOW_TRACKING_URI"] == environment.NOWHERE


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("python train.py conf=net 'model.x=[1, 2]' rerun=true", ["conf=net", "model.x=[1, 2]"]),
        ("python train.py -m conf=net,wide seed=0,1", ["conf=net", "seed=1"]),
        ("python ablate.py conf=net", ["conf=net", "seed=1"]),
    ],
)
def test_a_run_is_made_by_what_was_typed_or_by_its_own_values(typed: str, words: list[str]) -> None:
    assert replaying.command(made(command=typed, overrides=["seed=1"])) == words


def compared(then: Record, again: Record) -> tuple[str, list[str]]:
    found = verdict.numbers(then, again)
    return verdict.overall(found, then.primary), [one.verdict for one in found]


def test_verdicts_are_identical_within_the_declared_margin_or_different() -> None:
    then = made(0, score(0.9))
    assert compared(then, made(1, score(0.9))) == ("identical", ["identical"])
    assert compared(then, made(1, score(0.92)))[0] == "within the margin"
    assert compared(then, made(1, score(0.94)))[0] == "differs"
    assert compared(made(0, score(0.9), margin=None), made(1, score(0.9001)))[0] == "differs"
    assert compared(then, made(1, score(0.9, split="test"))) == ("differs", ["differs"])
    assert compared(made(0, score(None)), made(1, score(None)))[0] == "identical"


def test_what_is_not_the_same_is_named(here: Path) -> None:
    then, again = made(0, score(0.9)), made(1, score(0.8))
    again.identity = msgspec.structs.replace(again.identity, lock="other")
    before, after = stored(then), stored(again)
    for folder, version in ((before, "2.0"), (after, "2.1")):
        (folder / "environment.json").write_text(json.dumps({"packages": {"numpy": version}}))
    told = verdict.causes(then, before, again, after)
    assert "packages.numpy: 2.0 → 2.1" in told
    assert any(line.startswith("lock: ") for line in told)
    word = verdict.overall(found := verdict.numbers(then, again), "accuracy")
    files = verdict.same_files(then, again)
    shown = rerun.lines(replaying.Replayed(then, again, found, word, files, told))
    assert shown[0] == "  val   accuracy 0.9 printed, 0.8 again: differs"
    assert "    packages.numpy: 2.0 → 2.1" in shown


def test_an_unknown_key_is_told_from_a_known_one_and_a_missing_run_from_a_present_one(here: Path) -> None:
    with pytest.raises(Refusal, match="is not there"):
        rerun.rerun("main.linear.accuracy", "lock", False)
    numbers(here, "20261120-133700-net-s0-9f3c1a7e", 0.9)
    with pytest.raises(Refusal, match=r"did you mean main\.linear\.accuracy"):
        rerun.rerun("main.linear.acuracy", "lock", False)
    with pytest.raises(Refusal, match="is not here"):
        rerun.rerun("main.linear.accuracy", "lock", False)
    (here / "report" / "numbers.json").write_text("{")
    with pytest.raises(Refusal, match="cannot be read"):
        rerun.rerun("main.linear.accuracy", "lock", False)


def test_the_mean_of_a_cell_is_compared_as_well(here: Path) -> None:
    def again(value: float, number: int) -> replaying.Replayed:
        return replaying.Replayed(made(number, score(0.9)), made(number, score(value)), [], "identical", [], [])

    cell = rerun.Printed("main.net.accuracy", 0.9, "0.900", "val", ["a", "b"])
    assert rerun.mean(cell, [again(0.9, 0), again(0.9, 1)]) == (0.9, 0.9, "identical")
    assert rerun.mean(cell, [again(0.9, 0), again(0.8, 1)]) == (0.9, pytest.approx(0.85), "differs")
    assert rerun.mean(rerun.Printed("main.net.accuracy.n", 2.0, "2", "val", ["a"]), [again(0.9, 0)]) is None


def test_data_are_copied_where_dvc_has_none_and_refused_where_nobody_has_them(here: Path, tmp_path: Path) -> None:
    place = tmp_path / "clone"
    place.mkdir()
    found = made()
    with pytest.raises(Refusal, match=r"data/digits\.csv\.gz is not to be had"):
        clone.give_data(found, place, Path("python"))
    (here / "data").mkdir()
    for name in ("digits.csv.gz", "beside.csv"):
        (here / "data" / name).write_text(name)
    assert clone.give_data(found, place, Path("python")).startswith("copied from this folder")
    assert (place / "data" / "beside.csv").is_file()


def test_a_run_that_starts_from_another_takes_it_along(here: Path, tmp_path: Path) -> None:
    parent = made(1)
    child = made(2, parent=parent.run_id)
    with pytest.raises(Refusal, match="is not here"):
        clone.give_parent(child, tmp_path / "clone")
    stored(parent)
    clone.give_parent(child, tmp_path / "clone")
    assert (tmp_path / "clone" / "runs" / parent.run_id / "record.json").is_file()
    clone.give_parent(parent, tmp_path / "clone")  # has none


def test_a_script_that_stops_ends_the_replay_with_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('a reason'); raise SystemExit(3)")
    surroundings = environment.Environment(Path(environment.sys.executable), environment.variables(tmp_path), "")
    told: list[str] = []
    with pytest.raises(Refusal, match="a reason"):
        replaying.script(tmp_path, surroundings, ["train.py"], told.append)


def test_an_environment_that_cannot_be_made_says_what_the_tool_said(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no such pin"):
        environment.run(["sh", "-c", "echo no such pin >&2; exit 1"], tmp_path, {"PATH": "/usr/bin:/bin"})
