"""A table never mixes what cannot be compared, unless a reason is given, which is then printed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import asked, keep, planned, ran, reported, seeds

from receipts.config.questions import Reporting
from receipts.refusal import Refusal
from receipts.runs import plans
from receipts.runs.record import Record

TWO = "tables:\n  main: {rows: [net, wide]}\n"


def other_harness() -> Record:
    run = ran("wide", second=1)
    for score in run.scores:
        score.harness = "01d" * 20
    keep(run)
    return run


def limited() -> Record:
    return ran("wide", second=1, limit={"rows": 200}, reportable=False, blocked_by=["limit: rows 200"])


MIXED: dict[str, Callable[[], Record]] = {
    "mixed-harness": other_harness,
    "mixed-data": lambda: ran("wide", second=1, data="0ther"),
    "mixed-split": lambda: ran("wide", second=1, split="0ther"),
    "mixed-sizes": lambda: ran("wide", second=1, n=60),
    "mixed-tasks": lambda: ran("wide", second=1, margin=0.5),
    "mixed-presets": lambda: ran("wide", second=1, preset=["full", "bf16"]),
}


@pytest.mark.parametrize("word", MIXED)
def test_a_mixture_is_refused_with_its_runs_and_allowed_with_a_reason(lab: Path, word: str) -> None:
    asked(TWO)
    one, other = ran("net"), MIXED[word]()
    with pytest.raises(Refusal, match="table main would mix 2") as caught:
        reported()
    assert one.run_id in str(caught.value)
    assert other.run_id in str(caught.value)
    assert f"allow={{{word}: REASON}}" in str(caught.value)
    (table,) = reported(Reporting(allow={word: "the server was down"})).tables
    assert table.notes[0].startswith(f"{word.upper().replace('-', ' ')}: the server was down (2 ")


@pytest.mark.parametrize(
    ("word", "blocked", "mark"),
    [
        ("dirty", "dirty: 1 files differ from the commit", "DIRTY"),
        ("synthetic", "the data are SYNTHETIC", "SYNTHETIC"),
        ("tainted-parent", "it starts from x, which is not reportable: dirty", "TAINTED PARENT"),
    ],
)
def test_a_blocked_run_is_let_in_by_its_word_only(lab: Path, word: str, blocked: str, mark: str) -> None:
    asked("tables:\n  main: {rows: [net]}\n")
    run = ran(reportable=False, blocked_by=[blocked])
    with pytest.raises(Refusal, match="none of its runs may be reported"):
        reported(Reporting(allow={"mixed-data": "another thing"}))
    (table,) = reported(Reporting(allow={word: "it is a draft"})).tables
    assert f"{mark}: it is a draft ({run.run_id})" in table.notes


def test_a_limited_run_is_let_in_with_the_word_for_presets(lab: Path) -> None:
    asked(TWO)
    ran("net")
    limited()
    with pytest.raises(Refusal):
        reported()
    (table,) = reported(Reporting(allow={"mixed-presets": "a first look"})).tables
    assert table.notes[0] == "MIXED PRESETS: a first look (2 presets and limits)"


def test_a_failed_check_is_let_in_by_nothing(lab: Path) -> None:
    from receipts.report.lock import WORDS

    asked("tables:\n  main: {rows: [net]}\n")
    ran(reportable=False, blocked_by=["check failed: val-rescored"])
    with pytest.raises(Refusal, match="none of its runs"):
        reported(Reporting(allow=dict.fromkeys(WORDS, "please")))


def test_data_that_are_not_real_are_named_in_capitals(lab: Path) -> None:
    run = ran()
    run.data.kind = "simulated"
    keep(run)
    assert any(note.startswith("SIMULATED: ") for note in reported().tables[0].notes)


def test_kinds_of_device_are_marked_and_not_refused(lab: Path) -> None:
    runs = seeds("net", 0.9)
    runs[0].world.device = "cuda"
    keep(runs[0])
    assert "net: MIXED DEVICES: cpu, cuda" in reported().tables[0].notes


def test_arms_of_one_plan_share_their_budget_unless_it_is_the_one_thing_that_differs(lab: Path) -> None:
    base, longer = seeds("net", 0.9), seeds("net", 0.8, second=10, model={"width": 1})
    plan = planned("net", {"net": base, "longer": longer})

    def differ(**keys: object) -> None:
        plan.arms[1].difference = {key.replace("_", "."): [1, value] for key, value in keys.items()}
        (plans.PLANS / plan.plan_id / "plan.json").write_bytes(plans.encode(plan))

    differ(fit_epochs=10)
    assert reported().tables
    differ(fit_epochs=10, model_width=1)
    with pytest.raises(Refusal, match="arms of different budgets") as caught:
        reported()
    assert longer[0].run_id in str(caught.value)
    allowed = reported(Reporting(allow={"mixed-budget": "it was late"})).tables
    assert any("MIXED BUDGET: it was late (longer)" in table.notes for table in allowed)


@pytest.mark.parametrize(
    ("allow", "words"),
    [({"mixed-preset": "x"}, "did you mean mixed-presets?"), ({"dirty": " "}, "has no reason")],
)
def test_what_is_allowed_is_known_and_has_a_reason(lab: Path, allow: dict[str, str], words: str) -> None:
    ran()
    with pytest.raises(Refusal) as caught:
        reported(Reporting(allow=allow))
    assert words in str(caught.value)
