"""The parts of the gauntlet that need no project: what chance is, how groups are dealt, what is on record."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import commit, git, write
from hypothesis import given
from hypothesis import strategies as some
from records import made, score, stored

from receipts.config.project import LOCK
from receipts.config.questions import Gauntlet
from receipts.evaluation.predictions import Predictions
from receipts.gauntlet import course, information, kept
from receipts.gauntlet.catalogue import checks, named
from receipts.gauntlet.check import Terms
from receipts.gauntlet.checks import committed, duplicates, installed, labels, ranks, rerun
from receipts.gauntlet.subjects import Rival, Subject
from receipts.provenance.identity import Identity, file_hash
from receipts.refusal import Refusal
from receipts.replay.replaying import Replayed
from receipts.replay.verdict import Compared
from receipts.report.gauntlet import Verdict
from receipts.report.model import Comparison
from receipts.runs.record import Check as RunCheck
from receipts.runs.record import Record

LABELS = np.random.default_rng(0).integers(0, 4, 400)
TRUTH = np.eye(4, dtype=np.float32)[LABELS]


def classes(probabilities: np.ndarray, targets: np.ndarray = LABELS) -> information.Found:
    ids = [str(row) for row in range(len(targets))]
    found = information.information(Predictions(ids, targets, probabilities.astype(np.float32)))
    assert found is not None
    return found


def values(stated: np.ndarray, targets: np.ndarray) -> information.Found:
    found = information.information(Predictions([str(row) for row in range(len(targets))], targets, value=stated))
    assert found is not None
    return found


def test_all_that_labels_say_is_1_and_its_opposite_is_below_0() -> None:
    assert classes(TRUTH).value == pytest.approx(1)
    assert classes((1 - TRUTH) / 3).value < -0.2
    targets = np.random.default_rng(0).normal(size=300)
    assert values(targets * 1.0, targets).value == pytest.approx(1)
    assert values(-targets, targets).value == pytest.approx(-1)


def test_a_model_that_knows_nothing_is_at_chance_however_it_leans() -> None:
    assert classes(np.full((400, 4), 0.25)).value == pytest.approx(0, abs=1e-6)
    assert classes(np.tile([0.7, 0.1, 0.1, 0.1], (400, 1))).value == pytest.approx(0, abs=1e-6)
    guesses = np.eye(4)[np.random.default_rng(1).integers(0, 4, 400)]
    assert classes(guesses).is_chance
    two = np.random.default_rng(0).integers(0, 2, 400)
    hair = np.where(two[:, None] == [0, 1], 0.5001, 0.4999)  # right about every row, and sure of none
    assert classes(hair, two).is_chance


def test_labels_that_are_all_the_same_say_nothing() -> None:
    found = Predictions(["a", "b"], np.array([1, 1]), np.full((2, 2), 0.5, dtype=np.float32))
    assert information.information(found) is None


@given(some.lists(some.integers(0, 5), min_size=2, max_size=60))
def test_groups_swap_their_labels_whole(members: list[int]) -> None:
    groups = [f"g{member}" for member in members]
    order = labels.grouped(groups, np.random.default_rng(0))
    assert sorted(order) == list(range(len(members)))
    received = [groups[order[row]] for row in np.argsort(members, kind="stable")]
    changes = sum(a != b for a, b in pairwise(received))
    assert changes == len(set(members)) - 1  # the givers stand together, group by group


@pytest.mark.parametrize(("text", "seconds"), [("20m", 1200), ("90s", 90), ("1.5h", 5400), ("", None)])
def test_a_budget_is_a_number_and_a_unit(text: str, seconds: float | None) -> None:
    assert course.budget(Gauntlet(budget=text)) == seconds


def test_names_are_given_once_and_each_check_says_what_it_holds_true() -> None:
    found = list(checks())
    assert len({check.name for check in found}) == len(found)
    assert all(check.asserts.endswith(".") and check.cure for check in found)
    with pytest.raises(Refusal, match="nobody says why"):
        course.refuse_unknown(Gauntlet(skip={"rerun": " "}))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_verdict_is_on_record_for_the_same_runs_and_terms_only(here: Path) -> None:
    check, subject = named("rerun"), Subject("net", (made(0), made(1)))
    verdict = Verdict("rerun", "net", "pass", "all the same")
    kept.keep(check, subject, Terms(), verdict)
    assert kept.on_record(check, subject, Terms()) == verdict
    assert kept.on_record(check, subject, Terms(env="current")) is None
    assert kept.on_record(check, Subject("net", (made(0),)), Terms()) is None
    kept.place(check, subject).write_text("{")
    assert kept.on_record(check, subject, Terms()) is None


def test_what_was_not_run_stays_to_be_done(here: Path) -> None:
    check, subject = named("rerun"), Subject("net", (made(0),))
    kept.keep(check, subject, Terms(), Verdict("rerun", "net", "not run", "no time"))
    assert not kept.place(check, subject).exists()


def replayed(again: float, word: str, causes: list[str]) -> Replayed:
    numbers = [Compared("val", "accuracy", 0.9, again, word)]  # type: ignore[arg-type]
    return Replayed(made(0), made(0), numbers, word, [], causes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "again", "verdict", "told"),
    [
        ("identical", 0.9, "pass", "1 of 1 numbers identical"),
        ("within the margin", 0.91, "pass", "within the declared margin"),
        ("differs", 0.5, "fail", "numpy: 1 → 2"),
    ],
)
def test_a_rerun_passes_within_what_was_declared(
    monkeypatch: pytest.MonkeyPatch, word: str, again: float, verdict: str, told: str
) -> None:
    monkeypatch.setattr(rerun, "replay", lambda record, env: replayed(again, word, ["numpy: 1 → 2"]))
    found = rerun.judge(Subject("net", (made(0, margin=0.03),)), Terms())
    assert found.verdict == verdict
    assert told in found.evidence


def rival(runs: list[Record], verdict: str) -> Rival:
    return Rival("linear", tuple(runs), Comparison(
        "main.net.accuracy", "net", "linear", "accuracy", 5, 0.1, 0.0, 0.2, 0.01, 0.01, verdict, "paired t",
    ))  # fmt: skip


def networks(*values: float) -> tuple[Record, ...]:
    """Runs of a network, one for each value."""
    return tuple(made(seed, score(value, "test")) for seed, value in enumerate(values))


@pytest.mark.parametrize(
    ("verdict", "expected"), [("better", "fail"), ("worse", "pass"), ("inconclusive", "pass"), ("equivalent", "pass")]
)
def test_an_order_that_most_seeds_deny_must_not_be_claimed(verdict: str, expected: str) -> None:
    subject = Subject("net", networks(0.8, 0.8, 0.95), "test", (rival([made(0, score(0.9, "test"))], verdict),))
    found = ranks.judge(subject, Terms())
    assert found.verdict == expected
    assert "ahead of linear in 1 of 3 seeds, behind in 2" in found.evidence


def test_one_seed_and_no_rival_leave_nothing_to_rank() -> None:
    assert ranks.against(Subject("net", networks(0.8, 0.9), "test"))
    assert ranks.against(Subject("net", networks(0.8), "test", (rival([made(0)], "better"),)))


@pytest.fixture
def locked(here: Path) -> Subject:
    """A run that had two packages, under today's lock."""
    (here / "requirements.lock").write_text(
        "-c cuda.txt\nnumpy==2.4.6 ; python_version < '3'\nnumpy==2.5.5 ; python_version >= '3'\ntorch==2.13.0\n"
    )
    found = made(0, identity=Identity("id", "aa", "bb", file_hash(LOCK), "dd", "ee"))
    stored(found)
    return Subject("", (found,))


@pytest.mark.parametrize(
    ("packages", "verdict", "told"),
    [
        ({"numpy": "2.5.5", "Torch": "2.13.0+cpu", "mine": "1"}, "pass", "2 pins; 2 versions of 1 runs"),
        ({"numpy": "2.4.6"}, "fail", "numpy 2.4.6, pinned 2.5.5"),
        ({}, "not run", "pins nothing"),
    ],
)
def test_what_was_installed_is_what_the_lock_pins(
    locked: Subject, packages: dict[str, str], verdict: str, told: str
) -> None:
    (Path("runs") / locked.run.run_id / "environment.json").write_text(json.dumps({"packages": packages}))
    found = installed.judge(locked, Terms())
    assert found.verdict == verdict
    assert told in found.evidence


def facts(**changes: Any) -> dict[str, Any]:
    near = {"n": 0, "method": "pixel 1-NN", "below": 0.05}
    return {"entities": 0, "times": None, "duplicates_across": 0, "near_duplicates_across": near} | changes


@pytest.mark.parametrize(
    ("found", "verdict", "told"),
    [
        (facts(), "pass", "declares no times"),
        (facts(duplicates_across=1), "pass", "1 rows stand in two splits"),
        (facts(duplicates_across=30), "fail", "30 rows stand in two splits"),
        (facts(entities=2), "fail", "2 entities stand in two splits"),
        (facts(times=False), "fail", "later than val or test"),
        (facts(near_duplicates_across={"n": 4, "method": "m", "below": 0.05}), "pass", "4 held-back rows"),
        (None, "not run", "nobody may compare"),
    ],
)
def test_what_the_splits_share_is_told_from_the_manifest(
    here: Path, found: dict[str, Any] | None, verdict: str, told: str
) -> None:
    (here / "splits").mkdir()
    parts = {name: {"rows": [[0, 100]], "n": 100, "labels": {}} for name in ("train", "val", "test")}
    manifest = {
        "schema": 1, "dataset": "lab.D", "arguments": {}, "kind": "real", "source": "s", "licence": "l", "version": "1",
        "files": {}, "rule": {}, "hashes": {"file": "f", "sha256": "0", "algorithm": "a"}, "splits": parts,
        "facts": found,
    }  # fmt: skip
    (here / "splits/digits.json").write_text(json.dumps(manifest))
    outcome = duplicates.judge(Subject("net", (made(0),)), Terms())
    assert (outcome.verdict, told in outcome.evidence) == (verdict, True)


@pytest.mark.parametrize(("verdict", "expected"), [("pass", "pass"), ("waived", "pass"), ("fail", "fail")])
def test_what_the_run_checked_itself_comes_first(here: Path, verdict: Any, expected: str) -> None:
    seen = made(0, checks=[RunCheck("split-overlap", verdict, "12 rows"), RunCheck("val-content", "fail", "?")])
    outcome = duplicates.judge(Subject("net", (seen,)), Terms())
    assert outcome.verdict == expected
    assert outcome.evidence == f"split-overlap {verdict}: 12 rows"


def test_a_commit_that_nobody_has_fails_and_one_that_is_not_pushed_is_told(here: Path) -> None:
    git(here, "init", "-q")
    write(here, "train.py", "")
    commit(here)
    head = git(here, "rev-parse", "HEAD").strip()
    run = made(0)
    assert committed.judge(Subject("", (run,)), Terms()).verdict == "fail"
    run.code.commit = head
    found = committed.judge(Subject("", (run,)), Terms())
    assert (found.verdict, "not pushed" in found.evidence) == ("pass", True)
    run.code.dirty = ["src/lab/net.py"]
    assert committed.judge(Subject("", (run,)), Terms()).verdict == "fail"
