"""Names, verdicts and waivers of checks."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from folders import commit, write
from launching import Ended, launch
from records import made

from receipts.checks.catalogue import (
    GUARDS,
    failed,
    guard_of,
    not_applicable,
    passed,
    refuse_unknown_waivers,
    settled,
    stop_at_failure,
)
from receipts.guards.alone import listed
from receipts.provenance import git
from receipts.refusal import CheckFailed, Refusal
from receipts.runs import flat, views

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., Ended]


def documented() -> dict[str, str]:
    """Every check that the docs have a section on, and the stage that its page is about."""
    pages = {page.stem: page.read_text() for page in (ROOT / "docs/checks").glob("*.md")}
    return {name: stage for stage, text in pages.items() for name in re.findall(r"^## `(.+)`$", text, re.MULTILINE)}


def test_every_check_has_a_section_in_the_page_of_its_stage_and_nothing_else_has() -> None:
    assert documented() == {guard.name: guard.stage for guard in GUARDS.values()}


def test_names_are_words_and_sentences_are_whole() -> None:
    for guard in GUARDS.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", guard.name), guard.name
        assert guard.asserts[0].isupper(), guard.name
        assert guard.asserts.endswith("."), guard.name
        assert guard.cure, guard.name
    assert [line.split()[0] for line in listed() if line.startswith("  ")] != []


@pytest.mark.parametrize(
    ("code", "name"),
    [("content", "content"), ("val-content", "content"), ("test-rescored", "rescored"), ("val-own-top3", "own-metric")],
)
def test_a_code_with_a_split_before_it_is_the_same_check(code: str, name: str) -> None:
    assert guard_of(code).name == name


def test_what_fails_says_how_to_cure_it() -> None:
    check = failed("split-overlap", "3 rows", "checks/copies.csv")
    assert (check.stage, check.cure) == ("pre-flight", GUARDS["split-overlap"].cure)
    assert f"**Cure:** {check.cure}" in views.readme(made(checks=[check]))
    assert "(`checks/copies.csv`)" in views.readme(made(checks=[check]))


def test_only_a_failure_that_is_named_is_waived_and_keeps_what_was_seen() -> None:
    checks = [failed("split-overlap", "3 rows"), failed("val-rescored", "apart"), passed("row-counts", "all")]
    waived = settled(checks, {"split-overlap": "they are the same star", "row-counts": "why not"})
    assert [check.verdict for check in waived] == ["waived", "fail", "pass"]
    assert waived[0].evidence.startswith("they are the same star (")
    assert waived[0].evidence.endswith("it saw: 3 rows)")
    assert settled(checks, {"rescored": "known"})[1].verdict == "waived"
    assert flat.tags(made(checks=waived))["check.split-overlap"].startswith("waived: they are the same star")
    assert flat.tags(made(checks=waived))["check.val-rescored"] == "fail"


@pytest.mark.parametrize(
    ("waived", "what"),
    [({"split-overlpa": "x"}, "no check; did you mean split-overlap"), ({"split-overlap": " "}, "gives no reason")],
)
def test_a_waiver_of_nothing_is_refused(waived: dict[str, str], what: str) -> None:
    with pytest.raises(Refusal, match=what):
        refuse_unknown_waivers(waived)


@pytest.mark.parametrize(("name", "told"), [("Ada", "(waived by Ada; it saw: 3 rows)"), ("", "why (it saw: 3 rows)")])
def test_a_waiver_says_who_and_why(name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "name", lambda: name)
    (waived,) = settled([failed("split-overlap", "3 rows")], {"split-overlap": "why"})
    assert told in waived.evidence


def test_the_first_failure_ends_the_run_and_names_the_others() -> None:
    stop_at_failure([passed("row-counts", ""), not_applicable("time-order", "")])
    with pytest.raises(CheckFailed) as found:
        stop_at_failure([failed("split-overlap", "3 rows"), failed("time-order", "backwards")])
    assert found.value.check == "split-overlap"
    assert found.value.why == "3 rows; also time-order: backwards"
    assert "waive: {split-overlap: the reason}" in found.value.fix


def test_a_waiver_of_no_check_costs_nothing(project: Path, run: Start) -> None:
    write(project, "conf/linear.yaml", (project / "conf/linear.yaml").read_text() + "waive: {my-check: because}\n")
    commit(project)
    refused = run("train.py", "conf=linear")
    assert refused.code == 3
    assert "waive names 'my-check', which is no check" in refused.err
    assert not list(project.glob("runs/*"))


def test_checks_are_made_one_at_a_time_on_a_recorded_run(project: Path, run: Start) -> None:
    assert run("train.py", "conf=linear").code == 0
    assert run("receipts", "check", "row-counts", "latest").out.split()[:2] == ["pass", "row-counts:"]
    assert "pass            val-content:" in run("receipts", "check", "content", "latest").out
    assert (
        "not run         disk-full: it is made while linear trains"
        in run("receipts", "check", "disk-full", "latest").out
    )
    static = run("receipts", "check", "static", "conf=net")
    assert (static.code, static.err) == (0, "")
    unknown = launch(project, "receipts", "check", "row-count", "latest")
    assert unknown.code == 3
    assert "did you mean row-counts" in unknown.err
    assert "needs a run" in run("receipts", "check", "row-counts").err
