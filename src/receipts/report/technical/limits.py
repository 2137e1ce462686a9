"""Limitations: what the records themselves say against the numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from receipts.data.declared import LOST
from receipts.report import looks
from receipts.report.figures.caption import listed
from receipts.report.intervals import HEADLINE
from receipts.report.methods import dataset
from receipts.report.model import Report
from receipts.report.technical.markdown import bullets
from receipts.runs.record import Record
from receipts.runs.views import counted


def limitations(report: Report, folder: Path) -> list[str]:
    """What the records themselves say against the numbers; `folder` holds the log of looks."""
    runs = report.runs
    lines = [*few_seeds(report), *narrow_questions(report, runs)]
    failed = [(row.label, table.name, row.ok) for table in report.tables for row in table.rows if row.failed]
    lines += [
        f"{label} in {name}: {ok}; the runs that failed or were left out are listed below."
        for label, name, ok in failed
    ]
    lines += [f"Table {table.name}: {note}" for table in report.tables for note in table.notes if is_against(note)]
    lines += looks.undeclared(report, folder)
    unseen = Counter(check.code for run in runs for check in run.checks if check.verdict == "not run")
    lines += [
        f"Check `{code}` was not run in {count} of {counted(len(runs), 'run')}."
        for code, count in sorted(unseen.items())
    ]
    accepted = Counter((c.code, c.evidence) for run in runs for c in run.checks if c.verdict == "waived")
    lines += [
        f"Check `{code}` was waived in {count} of {counted(len(runs), 'run')}: {why}."
        for (code, why), count in sorted(accepted.items())
    ]
    unknown = Counter(name for run in runs for name in run.undeclared)
    lines += [
        f"`{name}` is not declared in {count} of {counted(len(runs), 'run')}, so it stays open {LOST.get(name, '')}."
        for name, count in sorted(unknown.items())
    ]
    return bullets(lines) or ["The records name none."]


def is_against(note: str) -> bool:
    """Whether a table's note limits what it shows: a mark in capitals, or the smallest effect it could have seen."""
    first = note.partition(" ")[0]
    return note.startswith("Smallest") or (len(first) > 2 and first.isupper())


def few_seeds(report: Report) -> Iterator[str]:
    """Rows that rest on fewer seeds than a headline claim should."""
    for table in report.tables:
        few = [row for row in table.rows if row.runs and not row.deterministic and row.behind < HEADLINE]
        if few:
            told = listed(f"{row.label} ({row.behind})" for row in few)
            yield f"Table {table.name}: fewer than {HEADLINE} seeds, the least for a headline, behind {told}."


def narrow_questions(report: Report, runs: Sequence[Record]) -> Iterator[str]:
    """One dataset, one kind of device, a test split that was opened."""
    names = sorted({dataset(run) for run in runs})
    if len(names) == 1:
        yield f"All numbers are of one dataset, `{names[0]}`; nothing here says how they carry over to another."
    if words := sorted({run.word for run in runs if run.word}):
        yield f"Some data are {listed(words)}."
    yield f"The sealed test split was opened {counted(report.openings, 'time')} by the recorded runs."
