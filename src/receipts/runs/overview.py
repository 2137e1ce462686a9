"""All runs in one table."""

from rich.console import Console
from rich.table import Column, Table

from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs.process import state
from receipts.runs.record import Record
from receipts.runs.screen import texts
from receipts.runs.store import folders

COLUMNS = ("run", "state", "preset", "val", "test")
LEAST, PIPE = 120, 200  # columns of a narrow screen, which wraps what is longer, and of a row that goes to a file


def show(conf: str | None) -> None:
    """Print the runs, newest first; a folder whose record cannot be read is a row that says so.

    Only reasons are folded: an id is there to be copied. No line ends in the blanks that fill up its row.
    """
    reasons = Column("why not reportable", overflow="fold")
    table = Table(*(Column(name, no_wrap=True) for name in COLUMNS), reasons, box=None)
    for folder in folders():
        try:
            record = records.read(folder)
        except Refusal as problem:
            table.add_row(*texts([folder.name, "unreadable", "", "", "", problem.why.splitlines()[0]]))
            continue
        if conf is None or conf in record.names:
            table.add_row(*texts(cells(record)))
    screen = Console()
    console = Console(width=max(screen.width, LEAST) if screen.is_terminal else PIPE, color_system=None)
    with console.capture() as listed:
        console.print(table if table.row_count else "no runs yet: python train.py")
    print("\n".join(line.rstrip() for line in listed.get().splitlines()))


def cells(record: Record) -> list[str]:
    """One run as text."""
    reason = record.failure.reason if record.failure else "; ".join(record.blocked_by)
    return [record.run_id, state(record), "+".join(record.preset), first(record, "val"), first(record, "test"), reason]


def first(record: Record, split: str) -> str:
    """The first metric of a split's latest score, with its name."""
    score = record.score(split)
    if score is None:
        return ""
    name, metric = next(iter(score.metrics.items()))
    return f"{name} {'undefined' if metric.value is None else f'{metric.value:.4f}'} {record.word}".rstrip()
