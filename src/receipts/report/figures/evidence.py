"""What figures read of a run besides its record: stored predictions, history, pictures. A folder may be gone.

`runs` is the folder where the runs of a report lie, which is not always the one of one's own.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.bounds import confine, read_whole
from receipts.report.figures.figure import Figure
from receipts.report.methods import slug
from receipts.report.model import Column, Report, Row, Table
from receipts.runs import dynamics
from receipts.runs.plans import Arm
from receipts.runs.record import Record

if TYPE_CHECKING:
    from receipts.evaluation.predictions import Predictions


SEEDS = 40  # of a method whose files are read; beyond that a picture of single samples helps nobody
KEPT = 256  # prediction files in memory


def readable(row: Row) -> tuple[Record, ...]:
    """The runs of a method whose files figures read: all, or none of a method with very many."""
    return row.runs if len(row.runs) <= SEEDS else ()


def predictions(record: Record, split: str, runs: Path) -> "Predictions | None":
    """The stored predictions of a split; None where it was not scored or the file is not here."""
    score = record.score(split)
    return None if score is None else loaded(confine(runs / record.run_id, score.file))


@lru_cache(maxsize=KEPT)
def loaded(path: Path) -> "Predictions | None":
    """A prediction file, read once however many figures show it."""
    from receipts.evaluation.received import read

    return read(path) if path.is_file() else None


def pictures(record: Record, split: str, runs: Path) -> dict[str, Any]:
    """The pictures that a run kept of a split, by sample id."""
    from receipts.evaluation.pictures import read

    return read(runs / record.run_id, split)


def history(record: Record, runs: Path) -> list[dynamics.Row]:
    """The rows of a run's history.csv; none for a method that has no epochs."""
    return dynamics.read(runs / record.run_id / "history.csv")


def history_checksum(record: Record, runs: Path) -> dict[str, str]:
    """The history's file and its SHA-256."""
    path = runs / record.run_id / "history.csv"
    return {f"{record.run_id}/history.csv": hashlib.sha256(read_whole(path)).hexdigest()}


def prediction_checksums(records: list[Record], split: str) -> dict[str, str]:
    """Prediction files and their SHA-256 as the records state them; the report verifies those."""
    return {f"{record.run_id}/{score.file}": score.sha256 for record in records if (score := record.score(split))}


def pictured(table: Table, shown: Sequence[Row], **told: Any) -> Figure:
    """A figure that rests on the scored runs of some rows; `told` is all that a figure says besides."""
    runs = [record for row in shown for record in row.runs]
    return Figure(split=table.split, runs=runs, inputs=prediction_checksums(runs, table.split), **told)


def primary(table: Table) -> Column | None:
    """The column of the table's primary metric; the first where it is not printed."""
    return next((column for column in table.columns if column.metric == table.primary), None) or next(
        iter(table.columns), None
    )


def best(table: Table) -> Row | None:
    """The row with the best mean of the primary metric."""
    column = primary(table)
    if column is None:
        return None
    sign = 1 if column.better == "higher" else -1
    scored = [(row, mean) for row in table.rows if (mean := mean_of(row, column)) is not None and row.runs]
    return max(scored, key=lambda pair: sign * pair[1], default=(None, 0.0))[0]


def best_rows(report: Report) -> Iterator[tuple[Table, Row]]:
    """The best method of every table that compares methods; one that several tables have stands under the first."""
    seen = set()
    for table in main_tables(report):
        row = best(table)
        if row is not None and (key := (table.split, *(run.run_id for run in row.runs))) not in seen:
            seen.add(key)
            yield table, row


def mean_of(row: Row, column: Column) -> float | None:
    """A row's mean of one metric."""
    cell = row.cells.get(column.metric)
    return None if cell is None else cell.estimate.mean


def is_main(table: Table) -> bool:
    """Whether a table compares methods on one task, rather than over several, or the arms of one plan."""
    return table.plan is None and table.over is None


def arm_of(table: Table, row: str) -> Arm | None:
    """The arm of a table's plan that a row shows; None in a table without a plan."""
    return next((arm for arm in table.plan.arms if slug(arm.name) == row), None) if table.plan else None


def main_tables(report: Report) -> list[Table]:
    """Tables that compare methods."""
    return [table for table in report.tables if is_main(table)]
