"""How training went in the arms of a sweep: the share that diverged, steps to a threshold, the spread between seeds.

From the histories beside the runs; a method without epochs has none. The threshold is one that all arms are held to:
the reference's best epochs on val, averaged over its seeds, less the declared margin.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Literal

from receipts.report import numerals
from receipts.report.model import Dynamic, Report, Row, Table
from receipts.runs import dynamics
from receipts.runs.record import Record
from receipts.runs.sheets import sheet
from receipts.runs.views import counted

Better = Literal["higher", "lower"]


def of_arms(rows: Sequence[Row], against: str, metric: str, better: str, margin: float | None, runs: Path) -> Dynamic:
    """The dynamics of every row that has histories, by its name."""
    way: Better = "higher" if better == "higher" else "lower"
    column = f"val/{metric}"
    reference = next((row.runs for row in rows if row.name == against), ())
    tops = [top for one in histories(reference, runs) if (top := best(one, column, way)) is not None]
    if not tops:
        return Dynamic(metric, None, {})
    threshold = mean(tops) - (margin or 0.0) * (1 if way == "higher" else -1)
    found = {}
    for row in rows:
        every = [one for one in histories((*row.runs, *row.failed), runs) if one]
        if every:
            found[row.name] = dynamics.summarise(every, column, threshold, way)
    return Dynamic(metric, threshold, found)


def histories(records: Sequence[Record], runs: Path) -> list[list[dynamics.Row]]:
    """The histories of some runs."""
    return [dynamics.read(runs / record.run_id / "history.csv") for record in records]


def best(history: Sequence[dynamics.Row], column: str, better: Better) -> float | None:
    """The best finite value of a column."""
    values = [value for row in history if (value := row.get(column)) is not None and math.isfinite(value)]
    return (max if better == "higher" else min)(values, default=None)


def notes(found: Dynamic, rows: Sequence[Row]) -> list[str]:
    """A sentence for each arm, and what the threshold is."""
    if found.threshold is None:
        return []
    told = [
        f"Dynamics on val: steps until {found.metric} reached {found.threshold:.4g}, the reference's best epochs on "
        "average, less the margin; a run diverged where its loss was not finite or ended above its start."
    ]
    return told + [f"{row.label}: {sentence(found.arms[row.name])}." for row in rows if row.name in found.arms]


def sentence(one: dynamics.Dynamics) -> str:
    """The dynamics of one arm in words."""
    reached = f"({one.reached} of {one.n}, median)"
    steps = "never there" if one.steps is None else f"there after {one.steps:g} steps {reached}"
    spread = "" if one.spread is None else f", last epochs {numerals.fixed(one.spread, 4)} apart (SD over seeds)"
    return f"{one.diverged} of {counted(one.n, 'run')} diverged, {steps}{spread}"


def write(report: Report, folder: Path) -> None:
    """`tables/<name>-dynamics.csv` for every sweep with histories."""
    for table in report.tables:
        if table.dynamic is not None and table.dynamic.arms:
            path = folder / "tables" / f"{table.name}-dynamics.csv"
            path.write_text(to_csv(table, table.dynamic), encoding="utf-8", newline="")


def to_csv(table: Table, found: Dynamic) -> str:
    """A line for each arm."""
    rows: list[list[object]] = [
        ["arm", "runs", "diverged", "share_diverged", "threshold", "reached", "steps", "spread"]
    ]
    for name, one in found.arms.items():
        numbers = ["" if value is None else repr(value) for value in (one.steps, one.spread)]
        label = table.label(name)
        rows.append([label, one.n, one.diverged, one.share_diverged, repr(found.threshold), one.reached, *numbers])
    return sheet(rows)
