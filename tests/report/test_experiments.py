"""EXPERIMENTS.md: the rows are the report's, everything else a person's."""

import json
import re
import shutil
from pathlib import Path

import pytest
from recorded import NOTEBOOK, asked, ran, reported, seeds, three

from receipts.refusal import Refusal
from receipts.report import experiments
from receipts.report.page import facts
from receipts.runs.record import Failure


def rows(text: str) -> list[list[str]]:
    lines = text.split(experiments.BEGIN)[1].split(experiments.END)[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def updated(text: str = NOTEBOOK) -> str:
    return experiments.updated(reported(), text)


def test_every_method_has_a_row_failed_ones_too(lab: Path) -> None:
    asked("tables:\n  main: {rows: [linear, net], against: linear}\n")
    three()
    failed = ran(
        "wide", 0, splits=(), second=50, code="0ther", status="failed", reportable=False, failure=Failure("N|N", [])
    )
    (lab / "runs/half").mkdir()
    text = updated()
    found = rows(text)
    assert text.startswith("# Experiments\n\nabove\n")
    assert text.endswith("\n\n## Notes\n\nbelow\n")
    assert [row[1] for row in found] == ["linear", "net", "wide", "wide", ""]
    linear, net, wide, crashed, half = found
    assert linear[4] == "det."
    assert linear[6] == "in main"
    assert re.match(r"\[`(20261120-133710-net-s0-\w{8})`\]\(runs/\1/README.md\)", net[0])
    assert net[2:5] == ["digits 1", "c0ffeec0", "0, 1, 2, 3, 4"]
    assert re.fullmatch(r"test accuracy 0\.\d{3} ± 0\.\d{3}", net[5])
    assert net[6] == "better (against linear, main)"
    assert wide[6] == "no table asks for it"
    assert failed.run_id in crashed[0]
    assert crashed[5:7] == ["—", "failed: N\\|N"]
    assert half[6] == "unreadable"


def test_who_looked_at_a_run_stands_behind_its_verdict(lab: Path) -> None:
    run = ran()
    signed = [{"item": "worst", "what": "", "by": "Ada", "at": "2026-11-21T10:00:00Z"}, {"item": "median", "what": ""}]
    (lab / "runs" / run.run_id / "review.json").write_text(json.dumps(signed))
    assert rows(updated())[0][6].endswith("; worst looked at by Ada on 2026-11-21")
    assert ("reviewed", "worst looked at by Ada on 2026-11-21") in facts.headline(reported())


def test_writing_again_changes_nothing_and_a_new_run_one_line(lab: Path) -> None:
    seeds("net", 0.9, 3)
    seeds("wide", 0.9, 2, second=10)
    first = updated()
    assert updated(first) == first
    ran("net", 3, second=40)
    second = updated(first)
    changed = [pair for pair in zip(first.splitlines(), second.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1


def test_a_note_stays_with_its_row(lab: Path) -> None:
    seeds("net", 0.9, 3)
    seeds("wide", 0.9, 2, second=10)
    lines = updated().splitlines()
    at = next(number for number, line in enumerate(lines) if "-wide-" in line)
    lines[at] = lines[at].removesuffix("|") + "too narrow? ask \\| see |"
    noted = "\n".join(lines) + "\n"
    ran("linear", second=30, deterministic=True)
    ran("net", 7, second=31)
    assert [row[7] for row in rows(updated(noted))] == ["", "too narrow? ask \\| see", ""]


def test_a_note_follows_its_experiment_when_all_runs_were_made_again(lab: Path) -> None:
    ran("net")
    noted = re.sub(r"\|  \|$", "| keep me |", updated(), flags=re.M)
    shutil.rmtree(lab / "runs")
    ran("wide", second=3)
    ran("net", second=5, code="0ther")
    found = rows(updated(noted))
    assert [(row[1], row[7]) for row in found] == [("wide", ""), ("net", "keep me")]


def test_a_note_whose_experiment_is_gone_keeps_its_line(lab: Path) -> None:
    ran("net")
    noted = re.sub(r"\|  \|$", "| keep me |", updated(), flags=re.M)
    shutil.rmtree(lab / "runs")
    ran("wide", second=3)
    assert [(row[1], row[7]) for row in rows(updated(noted))] == [("net", "keep me"), ("wide", "")]


@pytest.mark.parametrize("text", ["nothing", f"{experiments.END}\n{experiments.BEGIN}", f"{experiments.BEGIN}\n" * 2])
def test_a_file_without_its_markers_is_refused(lab: Path, text: str) -> None:
    ran()
    with pytest.raises(Refusal, match="no place for the report's rows"):
        updated(text)


def test_a_file_that_is_not_there_is_begun_and_one_that_is_not_utf8_refused(lab: Path) -> None:
    assert experiments.read(Path("none.md")) == experiments.START
    Path("latin.md").write_bytes("größe".encode("latin1"))
    with pytest.raises(Refusal, match="is not UTF-8"):
        experiments.read(Path("latin.md"))


def test_a_run_that_was_never_tested_shows_its_val_number(lab: Path) -> None:
    ran(splits=("val",))
    assert rows(updated())[0][5].startswith("val accuracy 0.")
