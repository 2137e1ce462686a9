"""The technical report: every section, every failed run, and no sentence that no record says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import evidence
import msgspec
import pytest

from receipts.report import figures, tables, technical
from receipts.report.figures import caption
from receipts.report.model import Report
from receipts.report.technical import limits
from receipts.runs.record import Check

HERE = Path("report")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with evidence.project(tmp_path_factory.mktemp("technical")):
        yield evidence.report(purpose="Does width | matter?")


def test_it_has_every_section_in_the_order_of_a_paper(report: Report) -> None:
    headings = [line[3:] for line in technical.text(report, HERE, []).splitlines() if line.startswith("## ")]
    assert headings == ["Question", "Data", "Methods", "Results", "Limitations", "Reproducibility"]


def test_it_says_what_was_asked_and_what_was_expected(report: Report) -> None:
    text = technical.text(report, HERE, [])
    assert "`net`: Does width | matter?" in text
    assert "`small` of `net`: Width matters. Expected beforehand: worse." in text


def test_it_tells_every_verdict_in_words(report: Report) -> None:
    text = technical.text(report, HERE, [])
    for table in report.tables:
        for found in table.comparisons:
            assert f"(**{found.verdict}**)" in text
            told = f"(**{found.verdict}**): {found.reason}." in text
            assert told == (found.column != tables.headline(table)), "the headline's reasons stand under the table"


def test_it_names_data_checksums_code_and_commands(report: Report) -> None:
    text = technical.text(report, HERE, [])
    run = report.tables[0].rows[0].runs[0]
    for fact in (
        run.data.files["data/digits.csv.gz"],
        run.code.commit,
        run.code.harness,
        run.identity.lock,
        "CC BY 4.0",
    ):
        assert fact in text
    assert "python report.py check=true" in text


def test_it_lists_runs_that_came_to_nothing_and_how_often_test_was_opened(report: Report) -> None:
    text = technical.text(report, HERE, [])
    assert "| `dead` | failed | the loss became NaN |" in text
    assert "opened 3 times" in text


def test_folds_are_one_dataset(report: Report) -> None:
    (row,) = [row for row in report.tables[0].rows if row.name == "net"]
    runs = [msgspec.structs.replace(run) for run in row.runs]
    for run in runs:
        run.data = msgspec.structs.replace(run.data, manifest=f"splits/digits-fold{run.seed}.json")
    assert caption.setting([replace(row, runs=runs)], "test") == "Data: digits (UCI, 1), test split, 60 samples"
    assert any("of one dataset, `digits`" in line for line in limits.narrow_questions(report, runs))


def test_it_says_which_methods_have_few_seeds(report: Report) -> None:
    assert "fewer than 10 seeds, the least for a headline, behind net (5)" in technical.text(report, HERE, [])


def test_it_shows_every_figure_with_its_caption(report: Report, tmp_path: Path) -> None:
    shown = figures.make(report)
    technical.write(report, tmp_path, shown)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for figure in shown:
        assert f"(figures/{figure.name}.png)" in text
        assert figure.caption in text
    assert text == technical.text(report, tmp_path, shown)


def test_it_tells_who_waived_what_and_which_facts_nobody_stated(report: Report) -> None:
    run = report.tables[0].rows[0].runs[0]
    before = run.checks, run.undeclared
    run.checks = [Check("near-duplicates", "waived", "real stars (waived by Ada; it saw: 3)")]
    run.undeclared = ["dataset.times"]
    text = technical.text(report, HERE, [])
    run.checks, run.undeclared = before
    assert "Check `near-duplicates` was waived in 1 of" in text
    assert "real stars (waived by Ada; it saw: 3)." in text
    assert "`dataset.times` is not declared in 1 of" in text
    assert "whether train comes before what is held back" in text
