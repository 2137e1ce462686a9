"""The log of looks: one line for each time that a comparison was reported on other runs, and never one twice."""

from pathlib import Path

from records import made, score
from reports import report, table

from receipts.report import looks
from receipts.report.model import Report


def of(count: int, declared: int = 1) -> Report:
    """A report on so many seeds of two methods."""
    methods = {
        conf: [made(seed, score(value + seed / 100, "test"), run_id=f"{conf}-{seed}") for seed in range(count)]
        for conf, value in (("net", 0.8), ("wide", 0.7))
    }
    return report(table("main", methods, against="wide"), looks=declared)


def test_a_look_says_when_at_how_many_seeds_and_what_was_found(tmp_path: Path) -> None:
    looks.write(of(5), tmp_path)
    (look,) = looks.read(tmp_path)
    assert look["comparison"] == "main.net.accuracy"
    assert (look["against"], look["seeds"], look["verdict"]) == ("wide", "5", "better")
    assert look["when"] == "2026-11-20T13:37:33Z"


def test_the_same_runs_are_one_look_and_more_seeds_another(tmp_path: Path) -> None:
    looks.write(of(5), tmp_path)
    before = (tmp_path / looks.NAME).read_bytes()
    looks.write(of(5), tmp_path)
    assert (tmp_path / looks.NAME).read_bytes() == before
    looks.write(of(8), tmp_path)
    assert [look["seeds"] for look in looks.read(tmp_path)] == ["5", "8"]


def test_looks_are_carried_into_the_next_report(tmp_path: Path) -> None:
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    old.mkdir()
    fresh.mkdir()
    looks.write(of(5), old)
    looks.carry(old, fresh)
    looks.write(of(8), fresh)
    assert len(looks.read(fresh)) == 2


def test_more_looks_than_were_declared_are_told_and_those_too_early_for_a_verdict_are_none(tmp_path: Path) -> None:
    for count in (3, 5, 8):
        looks.write(of(count), tmp_path)
    (told,) = looks.undeclared(of(8), tmp_path)
    assert told.startswith("main.net.accuracy against wide was looked at 2 times, at 5 and 8 seeds; declared: 1 look.")
    assert looks.undeclared(of(8, declared=2), tmp_path) == []


def test_a_line_that_is_no_look_is_left_out_and_a_comparison_without_seeds_makes_none(tmp_path: Path) -> None:
    (tmp_path / looks.NAME).write_text("comparison,against\nx,y\n")
    assert looks.read(tmp_path) == []
    fixed = {conf: [made(0, score(0.8, "test"), run_id=conf)] for conf in ("floor", "logreg")}
    looks.write(report(table("main", fixed, against="logreg")), tmp_path / "none")
    assert not (tmp_path / "none").exists()
