"""Every folder of runs/ is accounted for, whatever happened to it."""

import json
import shutil
from pathlib import Path

import pytest
from recorded import asked, keep, planned, ran, reported, seeds

from receipts.report.collect import collect
from receipts.runs import record, vetted


def ledger() -> dict[str, tuple[str, str]]:
    return {entry.run_id: (entry.state, entry.reason) for entry in reported().ledger}


def test_folders_without_a_readable_record_are_named_and_nothing_crashes(lab: Path) -> None:
    good = ran()
    half, foreign, copied, newer, wrong = (
        lab / "runs" / name for name in ("half", "foreign", "copied", "newer", "wrong")
    )
    for folder in (half, foreign, newer, wrong):
        folder.mkdir()
    text = (lab / "runs" / good.run_id / "record.json").read_text()
    (half / "record.json").write_text(text[: len(text) // 2])
    (foreign / "model.bin").write_bytes(b"\x00")
    (newer / "record.json").write_text(json.dumps(json.loads(text) | {"schema": 99}))
    (wrong / "record.json").write_bytes(b'{"seed": "\xff"}')
    shutil.copytree(lab / "runs" / good.run_id, copied)
    (lab / "runs" / "a file").write_text("")
    (lab / "runs" / ".new-x").mkdir()
    found = ledger()
    assert found[good.run_id] == ("completed", "")
    assert set(found) == {good.run_id, "half", "foreign", "copied", "newer", "wrong"}
    for name, words in {
        "half": "not a readable record",
        "foreign": "holds no record",
        "copied": f"the record inside is that of {good.run_id}",
        "newer": "written by a newer core",
        "wrong": "not a readable record",
    }.items():
        assert found[name][0] == "unreadable"
        assert words in found[name][1]


def test_failed_stale_and_unscored_runs_are_listed_with_their_reason(lab: Path) -> None:
    from receipts.runs.record import Failure

    seeds("net", 0.9, 3)
    failed = ran(
        "net", 3, second=30, splits=(), status="failed", reportable=False, failure=Failure("NaN in the loss", [])
    )
    stale = ran("net", 4, second=31, splits=(), status="running", reportable=False)
    unscored = ran("net", 5, second=32, splits=("val",))
    dirty = ran("net", 6, second=33, reportable=False, blocked_by=["dirty: 2 files differ from the commit"])
    found = ledger()
    assert found[failed.run_id] == ("failed", "failed: NaN in the loss")
    assert found[stale.run_id] == ("stale", "stale: its process is gone")
    assert found[unscored.run_id] == ("completed", "not scored on test")
    assert found[dirty.run_id] == ("completed", "not reportable: dirty: 2 files differ from the commit")
    (row,) = reported().tables[0].rows
    assert row.ok == "3/7 ok"


def test_one_identity_with_two_numbers_is_a_finding_and_the_first_counts(lab: Path) -> None:
    first, second = ran(second=1), ran(second=2, again=7)
    assert first.identity == second.identity
    report = reported()
    (finding,) = report.findings
    assert finding.startswith(
        f"NONDETERMINISM  {first.run_id} and {second.run_id} have one identity and different numbers"
    )
    assert report.tables[0].rows[0].runs[0].run_id == first.run_id
    assert ledger()[second.run_id][1] == f"the identity of {first.run_id}, which came first"


def test_a_rerun_with_the_same_numbers_is_no_finding(lab: Path) -> None:
    ran(second=1), ran(second=2)
    assert reported().findings == []


def test_a_run_that_a_plan_names_and_nobody_has_is_missing(lab: Path) -> None:
    base, other = seeds("net", 0.9), seeds("net", 0.8, second=10, model={"width": 1})
    planned("net", {"net": base, "narrow": other})
    shutil.rmtree(lab / "runs" / other[2].run_id)
    report = reported()
    (entry,) = [one for one in report.ledger if one.run_id == other[2].run_id]
    assert entry.state == "missing"
    assert "its folder is gone" in entry.reason
    table = next(table for table in report.tables if table.name == "net-ablations")
    assert [row.ok for row in table.rows] == ["5/5 ok", "4/5 ok"]


def test_a_damaged_plan_is_named(lab: Path) -> None:
    ran()
    folder = lab / "runs" / "plans" / "20261120-150000-net-abcdef01"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text("{")
    assert "not a readable plan" in ledger()["plans/20261120-150000-net-abcdef01"][1]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert collect(tmp_path / "none").records == []


def test_openings_are_counted_over_all_runs(lab: Path) -> None:
    from receipts.runs.record import Opening

    opened = ran()
    opened.openings = [Opening("test", "2026-11-20T13:40:00Z", "eval.py", "c0ffee")] * 2
    keep(opened)
    dirty = ran("wide", second=5, reportable=False, blocked_by=["dirty: one"])
    dirty.openings = [Opening("test", "2026-11-20T13:40:00Z", "eval.py", "c0ffee"), Opening("dev", "x", "y", "z")]
    keep(dirty)
    assert reported().openings == 3


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_split_of_report_yaml_counts(lab: Path, split: str) -> None:
    asked(f"split: {split}\ntables:\n  main: {{rows: [net]}}\n")
    ran(splits=("val", "test"))
    assert reported().tables[0].split == split


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written a moment ago counts as written long ago."""
    monkeypatch.setattr(vetted, "SETTLED_S", -1.0)


@pytest.mark.usefixtures("settled")
def test_a_record_is_examined_once_and_read_every_time(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = collect(remember=True).records if ran() else []
    monkeypatch.setattr(record, "encode", lambda _: pytest.fail("examined again"))
    assert collect(remember=True).records == first != []


@pytest.mark.usefixtures("settled")
def test_a_record_that_changes_after_it_was_examined_is_examined_again(lab: Path) -> None:
    run = ran()
    assert collect(remember=True).broken == {}
    path = lab / "runs" / run.run_id / "record.json"
    path.write_text(path.read_text().replace('"seed": 0,', '"seed": 0, "seed": 1,', 1))
    for _ in range(2):
        assert "not a readable record" in collect(remember=True).broken[run.run_id]


@pytest.mark.parametrize("left", ["", "{", '{"a": 1}', "[]", None])
@pytest.mark.usefixtures("settled")
def test_what_is_remembered_of_examined_records_may_be_lost_or_garbage(lab: Path, left: str | None) -> None:
    ran()
    first, memory = collect(remember=True), lab / "runs" / vetted.NAME
    kept = memory.read_bytes()
    memory.unlink() if left is None else memory.write_text(left)
    assert collect(remember=True) == first
    assert memory.read_bytes() == kept


def test_a_record_of_this_very_moment_is_not_remembered(lab: Path) -> None:
    ran()
    collect(remember=True)
    assert not (lab / "runs" / vetted.NAME).exists()


@pytest.mark.usefixtures("settled")
def test_only_who_asks_for_it_is_remembered(lab: Path) -> None:
    ran()
    collect()
    assert not (lab / "runs" / vetted.NAME).exists()
