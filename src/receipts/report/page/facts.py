"""What the page says around its tables: the headline, the verdicts, the ledger, and the receipts that open."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from receipts.report.figures.caption import listed
from receipts.report.figures.evidence import arm_of, primary
from receipts.report.figures.figure import Figure
from receipts.report.methods import dataset
from receipts.report.model import Comparison, Entry, Number, OverTasks, Receipt, Report, Table
from receipts.runs import reviews
from receipts.runs.plans import Arm
from receipts.runs.record import Record
from receipts.runs.views import counted

LEDGER, VERDICTS = 1000, 60  # lines and cards of the page


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison as a headline: what is said of which method, and what was expected beforehand."""

    table: Table
    comparison: Comparison
    row: str
    against: str
    better: str
    arm: Arm | None
    numbers: Mapping[str, Number]

    @property
    def phrase(self) -> str:
        """`better than`, `not told apart from`, …"""
        words = {"better": "better than", "worse": "worse than", "equivalent": "equivalent to"}
        return words.get(self.comparison.verdict, "not told apart from")


def headline(report: Report) -> list[tuple[str, str]]:
    """A few facts under the title."""
    runs = report.runs
    data = listed(dict.fromkeys(f"{dataset(run)} {run.data.version}" for run in runs))
    states = Counter(entry.state for entry in report.ledger)
    others = [f"{count} {state}" for state, count in sorted(states.items()) if state != "completed"]
    kinds = listed(sorted({run.word or "real" for run in runs}))
    return [
        ("data", f"{data} ({kinds})" if runs else "none"),
        ("runs", f"{len(report.ledger)} recorded" + (f", {', '.join(others)}" if others else "")),
        ("in the tables", str(sum(bool(entry.used_in) for entry in report.ledger))),
        ("test opened", counted(report.openings, "time")),
        ("reviewed", reviews.told(run.run_id for run in runs) or "nobody has ticked a review"),
        ("commits", listed(sorted({run.code.commit[:7] for run in runs})) or "none"),
        ("harness", listed(sorted({run.code.harness[:12] for run in runs})) or "none"),
    ]


def verdicts(report: Report) -> list[Verdict]:
    """Every table's comparisons on its primary metric, in the order of the tables; those of a floor come last.

    One of two methods of which one has no number yet says nothing that the table does not say.
    """
    found = []
    for table in report.tables:
        if (column := primary(table)) is not None:
            low = floors(table)
            judged = [one for one in table.comparisons if one.column == column.metric and one.delta is not None]
            found += [(one.row in low, table, one) for one in judged]
    ordered = sorted(found, key=lambda each: each[0])[:VERDICTS]
    return [verdict(report, table, one) for _, table, one in ordered]


def floors(table: Table) -> set[str]:
    """The rows that are what nobody should score below, which surprises no reader."""
    return {row.name for row in table.rows if any(run.rung == "floor" for run in row.runs)}


def verdict(report: Report, table: Table, found: Comparison) -> Verdict:
    """One comparison with its numbers and, from its plan, what was expected."""
    rows = {row.name: row.label for row in table.rows}
    column = next(column for column in table.columns if column.metric == found.column)
    numbers = {
        key.removeprefix(f"{found.key}."): number
        for key, number in report.numbers.items()
        if key.startswith(f"{found.key}.")
    }
    labels = rows.get(found.row, found.row), rows.get(found.against, found.against)
    return Verdict(table, found, *labels, column.better, arm_of(table, found.row), numbers)


def ledger(report: Report) -> list[Entry]:
    """The lines that the page shows: those that are in no table first, since they need an explanation."""
    return sorted(report.ledger, key=lambda entry: (bool(entry.used_in), entry.run_id))[:LEDGER]


def data(report: Report, shown: Sequence[Figure], runs: list[Record]) -> dict[str, Any]:
    """What the page's script reads: numbers, the receipts they share, runs, figures."""
    places: dict[int, int] = {}
    kept: list[dict[str, Any]] = []
    for number in report.numbers.values():
        if id(number.receipt) not in places:
            places[id(number.receipt)] = len(kept)
            kept.append(receipt(number.receipt))
    points = dict(seeds(report))
    numbers = {
        key: {
            "text": minus(number.text),
            "value": number.value,
            "meaning": number.meaning,
            "receipt": places[id(number.receipt)],
            "points": points.get(key, {}),
        }
        for key, number in report.numbers.items()
    }
    return {
        "numbers": numbers,
        "receipts": kept,
        "runs": {run.run_id: of_run(run) for run in runs},
        "figures": {figure.name: figure.receipt() for figure in shown},
    }


def minus(text: str) -> str:
    """A number as it is typeset: with a minus where programs read a hyphen."""
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else text


def seeds(report: Report) -> Iterator[tuple[str, dict[str, float]]]:
    """The values of single seeds behind every mean, by the mean's key; of single runs behind a score over tasks."""
    for table in report.tables:
        means = [(cell.numbers.get(""), cell.estimate) for row in table.rows for cell in row.cells.values()]
        means += [
            (part.numbers.get(row, {}).get(""), estimate)
            for found in table.slices
            for part in found.parts
            for row, estimate in part.estimates.items()
        ]
        for number, estimate in means:
            if number is not None:
                yield number.key, {str(seed): value for seed, value in estimate.points.items()}
        if table.over is not None:
            yield from by_run(table, table.over)


def by_run(table: Table, over: OverTasks) -> Iterator[tuple[str, dict[str, float]]]:
    """What each run adds to its method's score, by run: the runs of one seed differ from task to task."""
    for row in table.rows:
        if (number := row.cells[table.primary].numbers.get("")) is not None:
            found = {}
            for task in over.tasks:
                for run in task.runs[row.name]:
                    score = run.score(table.split)
                    metric = score.metrics.get(task.metric) if score else None
                    if metric is not None and metric.value is not None:
                        found[run.run_id] = (metric.value - task.zero) / (task.one - task.zero)
            yield number.key, found


def receipt(found: Receipt) -> dict[str, Any]:
    """A receipt for the page."""
    return {
        "runs": found.runs,
        "seeds": found.seeds,
        "commits": found.commits,
        "data": found.data,
        "data_version": found.data_version,
        "split": found.split,
        "split_hash": found.split_hash,
        "harness": found.harness,
        "checkpoints": found.checkpoints,
        "predictions": dict(found.predictions),
        "command": found.command,
        "query": found.query,
    }


def of_run(run: Record) -> dict[str, Any]:
    """A run for the page."""
    return {
        "conf": run.conf,
        "seed": run.seed,
        "overrides": run.overrides,
        "purpose": run.purpose,
        "command": run.command,
        "commit": run.code.commit,
        "identity": run.identity.id,
        "data": run.identity.data,
        "data_version": run.data.version,
        "harness": run.code.harness,
        "device": run.world.device,
        "started": run.started,
        "ended": run.ended,
        "weights": run.checkpoint.weights if run.checkpoint else None,
        "scores": {
            score.split: {
                "n": score.n,
                "sha256": score.sha256,
                "metrics": {name: metric.value for name, metric in score.metrics.items()},
            }
            for score in run.scores
        },
    }
