"""Which runs a run is compared with, and what its README says of them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from records import made, score, stored

from receipts.runs import comparison, known, views
from receipts.runs.comparison import Row, recorded
from receipts.runs.record import Check, Identity, Record, Score


def compare(run: Record, scored: Score, others: list[Record]) -> list[Row]:
    return comparison.compare(run, scored, [known.known(other) for other in others])


def table(run: Record, others: list[Record]) -> str:
    return comparison.table(run, [known.known(other) for other in others])


def test_floor_linear_and_best_are_found_by_what_the_records_say() -> None:
    run = made(0, score(0.9))
    floor, linear, better = made(1, score(0.1), rung="floor"), made(2, score(0.8), rung="linear"), made(3, score(0.95))
    weaker = made(4, score(0.7), rung="linear")
    rows = compare(run, run.scores[0], [run, floor, linear, better, weaker])
    assert [(row.role, row.run and row.run.seed, row.value) for row in rows] == [
        ("floor", 1, 0.1),
        ("linear baseline", 2, 0.8),
        ("best recorded", 3, 0.95),
    ]


def test_lower_is_better_where_the_metric_says_so() -> None:
    runs = [made(n, score(value, name="mae"), primary="mae") for n, value in enumerate((3.0, 2.0, 4.0))]
    assert compare(runs[0], runs[0].scores[0], runs)[-1].value == 2.0


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": Identity("9f", "aa", "bb", "cc", "OTHER DATA", "ee")},
        {"identity": Identity("9f", "aa", "bb", "cc", "dd", "OTHER SPLIT")},
        {"scores": [score(0.99, harness="ff" * 32)]},
        {"scores": [score(0.99, n=99)]},
        {"scores": [score(0.99, split="test")]},
        {"scores": [score(None)]},
        {"primary": "macro_f1"},
        {"limit": {"rows": 200}},
        {"checks": [Check("val-rescored", "fail", "they differ")]},
    ],
)
def test_another_question_is_not_compared_with(changes: dict[str, Any]) -> None:
    run, other = made(0, score(0.9)), made(1, **{"scores": [score(0.99)]} | changes)
    best = compare(run, run.scores[0], [run, other])[-1]
    assert (best.run and best.run.seed, best.value) == (0, 0.9)


def test_a_check_that_passes_again_counts_no_more() -> None:
    checks = [Check("val-rescored", "fail", "they differ"), Check("val-rescored", "pass", "they agree")]
    run, other = made(0, score(0.9)), made(1, score(0.99), checks=checks)
    assert compare(run, run.scores[0], [run, other])[-1].value == 0.99


def test_an_older_score_under_this_harness_is_compared_with() -> None:
    run, other = made(0, score(0.9)), made(1, score(0.95), score(0.95, harness="ff" * 32))
    assert compare(run, run.scores[0], [other])[-1].value == 0.95


def test_the_table_says_what_there_is_not() -> None:
    run = made(0, score(0.9))
    text = table(run, [run])
    assert "| best recorded | this run | val | 0.9000 | |" in text
    assert "There is no floor on val; no linear baseline on val, recorded on the same data" in text
    with_floor = table(run, [run, made(1, score(0.1), rung="floor", reportable=False)])
    assert "| floor | `20261120-133701-net-s1-9f3c1a7e` (not reportable) | val | 0.1000 | +0.8000 |" in with_floor
    assert table(made(0), []) == ""
    assert table(made(0, score(0.9), primary=None), []) == ""


def test_records_are_read_newest_first_and_unreadable_ones_passed_over(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for found in (made(0, score(0.9)), made(1, score(0.8), rung="floor"), made(2, status="failed")):
        stored(found)
    (stored(made(3)) / "record.json").write_text("{")
    assert [found.seed for found in recorded(tmp_path / "runs")] == [1, 0]
    folder = tmp_path / "runs" / made(0).run_id
    views.write(folder, made(0, score(0.9)))
    assert (
        "| floor | `20261120-133701-net-s1-9f3c1a7e` | val | 0.8000 | +0.1000 |" in (folder / "README.md").read_text()
    )


def test_a_record_is_read_once_and_again_only_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    original = known.records.read
    monkeypatch.setattr(known.records, "read", lambda folder: reads.append(folder.name) or original(folder))
    runs = [made(number, score(0.8)) for number in range(4)]
    for number, run in enumerate(runs):
        views.write(stored(run, tmp_path), run)
        assert reads == [each.run_id for each in runs[: number + 1]]
    reads.clear()
    worse = made(1, score(0.8), checks=[Check("val-rescored", "fail", "they differ")])
    stored(worse, tmp_path)
    shutil.rmtree(tmp_path / runs[2].run_id)
    assert [found.seed for found in known.recorded(tmp_path)] == [3, 0]
    assert reads == [worse.run_id]
    (tmp_path / known.NAME).write_text("{")
    assert [found.seed for found in known.recorded(tmp_path)] == [3, 0]


def test_the_roles_are_those_that_a_config_can_have() -> None:
    from receipts.config.rungs import RUNGS

    assert tuple(comparison.RUNGS) == RUNGS


def test_where_nothing_ever_ran_nothing_is_known(tmp_path: Path) -> None:
    assert known.recorded(tmp_path / "runs") == []
