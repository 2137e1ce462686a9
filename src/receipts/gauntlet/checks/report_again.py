"""The report once more, from stored predictions and byte by byte, and whether every number has its runs."""

from pathlib import Path

from receipts.config.questions import Gauntlet, Reporting
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject, reported
from receipts.report import numbers, verify


def judge(subject: Subject, terms: Terms) -> Outcome:
    """What `report.py check=true` does."""
    if not (Path(terms.folder) / numbers.NAME).is_file():
        return undone(f"{terms.folder}/ holds no report yet: python report.py")
    found, report = reported(Gauntlet(allow=dict(terms.allow)))
    seen = verify.look(report, found, Reporting(folder=terms.folder, allow=dict(terms.allow)))
    if seen.wrong:
        return failed("; ".join(seen.wrong[:4]) + (f"; and {len(seen.wrong) - 4} more" if len(seen.wrong) > 4 else ""))
    return passed(seen.looked() + (f"; not looked at: {'; '.join(seen.not_run)}" if seen.not_run else ""))


CHECK = Check(
    "report-again",
    "The report regenerates byte by byte, and every number in it has its runs.",
    "python report.py makes it anew; python report.py check=true names every difference",
    judge,
    seconds=lambda subject: 10.0,
    of_project=True,
    apart=False,
    kept=False,
)
