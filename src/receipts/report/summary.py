"""A finished report in a few lines."""

from pathlib import Path

from receipts.refusal import DONE
from receipts.report import costs, looks
from receipts.report.model import Report
from receipts.report.tables import lines
from receipts.runs.log import say
from receipts.runs.views import counted

SHOWN = 10  # lost runs on the screen


def show(report: Report, folder: Path) -> int:
    """The tables' verdicts, what must be told first, and where to look; returns the exit code."""
    for table in report.tables:
        say(f"{table.name}  {table.split}, {counted(len(table.rows), 'row')}")
        for line in lines(table):
            cells = "  ".join(f"{cell.value} {cell.beside}".strip() for cell in line.cells)
            say(f"  {line.label:<24} {cells}  {line.ok}  {line.verdict}".rstrip())
    for finding in report.findings:
        say(f"  NOTE  {finding}")
    for told in looks.undeclared(report, folder):
        say(f"  NOTE  {told}")
    for told in costs.priced(report):
        say(told)
    for told in lost(report):
        say(f"  LOST  {told}")
    used = sum(bool(entry.used_in) for entry in report.ledger)
    say(f"runs  {used} of {len(report.ledger)} are in a table; test was opened {counted(report.openings, 'time')}")
    say(f"next  open {folder}/index.html in a browser")
    return DONE


def lost(report: Report) -> list[str]:
    """Runs that should be here and are not, or cannot be read: a number may have gone from a table with them."""
    found = [f"{entry.run_id}: {entry.reason}" for entry in report.ledger if entry.record is None]
    return found[:SHOWN] + [f"and {len(found) - SHOWN} more: see the ledger"] * (len(found) > SHOWN)
