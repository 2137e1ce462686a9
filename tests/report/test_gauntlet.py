"""What gauntlet.py left beside a report: carried over, shown, and known to be about other runs where it is."""

from pathlib import Path

import pytest
from recorded import ran, reported, seeds

from receipts.refusal import Refusal
from receipts.report import gauntlet, output
from receipts.report.gauntlet import Gauntlet, Verdict


def found(*runs: str) -> Gauntlet:
    """A pass of two checks, of which one failed."""
    verdicts = [
        Verdict("committed", "", "pass", "3 runs", "Every run is committed."),
        Verdict("labels-shuffled", "net", "fail", "information <b>+1</b>", "Nothing is known.", "look for files"),
    ]
    return Gauntlet(1, "2026-11-20T15:00:00Z", "c0ffee" * 6, "python gauntlet.py", {"net": list(runs)}, verdicts)


def test_a_new_report_keeps_what_was_found_and_shows_what_failed_first(lab: Path) -> None:
    runs = seeds("net", 0.9)
    Path("report").mkdir()
    gauntlet.keep(found(*(run.run_id for run in runs)), Path("report"))
    output.write(reported(), Path("report"))
    output.write(reported(), Path("report"))
    text, page = (Path("report") / gauntlet.TEXT).read_text(), Path("report/index.html").read_text()
    assert text.index("labels-shuffled") < text.index("| committed |")
    assert "**look for files**" in text
    assert "information &lt;b&gt;+1&lt;/b&gt;" in page
    assert "1 fail, 1 pass" in page
    assert "hold other runs by now" not in page


def test_verdicts_about_other_runs_are_said_to_be_that(lab: Path) -> None:
    ran("net")
    Path("report").mkdir()
    gauntlet.keep(found("20261119-120000-net-s0-00000000"), Path("report"))
    output.write(reported(), Path("report"))
    assert "The tables hold other runs by now of net" in Path("report/index.html").read_text()


def test_a_damaged_file_is_refused_by_name(lab: Path) -> None:
    Path("gauntlet.json").write_text("{")
    with pytest.raises(Refusal, match=r"gauntlet\.json cannot be read"):
        gauntlet.read(Path())
