"""From a method down to its runs, its groups and single samples, the worst first, bounded in size."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from receipts.report.figures import groups
from receipts.report.figures.evidence import main_tables
from receipts.report.figures.examples import Example, examples, mistakes
from receipts.report.model import Report, Row, Table
from receipts.report.page.marks import image
from receipts.runs.record import Record

GROUPS, SAMPLES, BUDGET = 12, 6, 400  # groups of a method, samples of a group, samples of the page
METHODS, RUNS = 60, 40  # of the page; of a method
GROUPED = 12  # methods whose groups are shown, the first: each of their runs' predictions is read


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample, its picture as a data address where there is one."""

    example: Example
    image: str


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a method: its mean over seeds as a share of the longest bar, and its worst samples.

    `worst` is None where the page had no room left for samples.
    """

    name: str
    kind: str
    metric: str
    samples: int
    value: float
    share: float
    worst: Sequence[Sample] | None


@dataclass(frozen=True, slots=True)
class Method:
    """One row of a table with what lies below it; `left_out` counts the groups that are not shown."""

    table: Table
    row: Row
    runs: Sequence[Record]
    groups: Sequence[Group]
    left_out: int


def methods(report: Report) -> list[Method]:
    """The first methods of the tables that compare methods; samples until the page's budget is spent."""
    left, found = BUDGET, []
    for place, (table, row) in enumerate(compared(report)[:METHODS]):
        groups, left_out = groups_of(row, table, left, report.folder) if place < GROUPED else ([], 0)
        left -= sum(len(group.worst or ()) for group in groups)
        found.append(Method(table, row, row.runs[:RUNS], groups, left_out))
    return found


def compared(report: Report) -> list[tuple[Table, Row]]:
    """Every method of the tables that compare methods."""
    return [(table, row) for table in main_tables(report) for row in table.rows]


def runs(shown: Sequence[Method]) -> list[Record]:
    """The runs that the methods' drill-down shows."""
    return [run for method in shown for run in method.runs]


def over_tasks(report: Report) -> list[Record]:
    """The runs of tables over several tasks, which have no drill-down of their own, bounded like those of methods."""
    tables = [table for table in report.tables if table.over is not None]
    return [run for table in tables for row in table.rows for run in row.runs][: METHODS * RUNS]


def groups_of(row: Row, table: Table, budget: int, runs: Path) -> tuple[list[Group], int]:
    """The worst groups of a method and how many are left out."""
    lines = [line for line in groups.per_group(row, table.split, runs) if line["seed"] == "mean"]
    if not lines:
        return [], 0
    longest = max(line["value"] for line in lines) or 1.0
    wrong: dict[str, list[Example]] = {}
    for example in mistakes(examples(row, table.split, runs)) if budget else ():
        wrong.setdefault(example.group, []).append(example)
    found: list[Group] = []
    for line in lines[:GROUPS]:
        worst = [sample(one) for one in wrong.get(line["group"], [])[: min(SAMPLES, budget)]] if budget else None
        budget -= len(worst or ())
        share = line["value"] / (1.0 if line["metric"] == "accuracy" else longest)
        found.append(Group(line["group"], line["kind"], line["metric"], line["samples"], line["value"], share, worst))
    return found, len(lines) - len(found)


def sample(one: Example) -> Sample:
    """An example with its picture."""
    return Sample(one, "" if one.image is None else image(one.image))
