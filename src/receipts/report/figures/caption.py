"""Captions that stand alone: what, data and split, metric and direction, how many seeds, which spread, what follows."""

from collections.abc import Iterable, Sequence

from receipts.report.figures.figure import SHORT
from receipts.report.methods import dataset
from receipts.report.model import Column, Row, Table


def caption(
    what: str, table: Table, measured: str, rows: Sequence[Row], spread: str, takeaway: str, split: str = ""
) -> str:
    """One paragraph; `measured` names the metric and its direction, `spread` says what is shown of the seeds.

    `split` is what is shown, where it is not the table's.
    """
    last = f"{SHORT}{takeaway}" if takeaway else ""
    parts = (what, setting(rows, split or table.split), measured, seeds_of(rows), spread, last)
    return " ".join(sentence(part) for part in parts if part)


def sentence(text: str) -> str:
    """Text with a capital in front and a full stop behind."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def setting(rows: Sequence[Row], split: str) -> str:
    """Data, version and split; data that nobody collected are named in capitals."""
    records = [record for row in rows for record in row.runs]
    data = listed(
        dict.fromkeys(f"{dataset(record)} ({record.data.source}, {record.data.version})" for record in records)
    )
    words = listed(dict.fromkeys(record.word for record in records if record.word))
    sizes = {score.n for record in records if (score := record.score(split))}
    many = f", {listed(map(str, sorted(sizes)))} samples" if sizes else ""
    return f"Data: {f'{words} ' if words else ''}{data}, {split} split{many}"


def point_of(table: Table) -> str:
    """What one point of a method is."""
    return "fold" if table.plan and table.plan.folds else "seed"


def metric(column: Column) -> str:
    """A metric, its direction, and what it means."""
    return f"Metric: {column.metric}, {column.better} is better ({column.definition.rstrip('.')})"


def seeds_of(rows: Sequence[Row]) -> str:
    """How many seeds stand behind each method, and which."""
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(counted(row), []).append(row.label)
    if len(told) == 1:
        return f"Seeds: {next(iter(told))} for {'each method' if len(rows) > 1 else rows[0].label}"
    return "Seeds: " + "; ".join(f"{listed(names)} {count}" for count, names in told.items())


def counted(row: Row) -> str:
    """`n=5 (0–4)`, `det.` for a method without randomness; runs that came to nothing are counted."""
    seeds = sorted({record.seed for record in row.runs})
    started = len(row.runs) + len(row.failed)
    ok = "" if not row.failed else f", {len(row.runs)}/{started} ok"
    if row.deterministic and any(cell.estimate.deterministic for cell in row.cells.values()):
        return f"det.{ok}"
    return f"n={len(seeds)} ({spans(seeds)}){ok}"


def spans(numbers: Sequence[int]) -> str:
    """Sorted numbers, neighbours as a span: `0–4, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def listed(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last
