"""Reports made of given records: real statistics are somebody else's test, here a mean and a t interval will do."""

from collections.abc import Mapping, Sequence
from typing import Any

from scipy.stats import t

from receipts.report.methods import slug
from receipts.report.model import Cell, Column, Comparison, Entry, Estimate, Number, Receipt, Report, Row, Table
from receipts.runs.plans import Plan
from receipts.runs.record import Record


def report(*tables: Table, **changes: Any) -> Report:
    """A report of tables, with their numbers and a ledger of their runs."""
    numbers = {number.key: number for table in tables for number in table.numbers()}
    numbers |= {
        number.key: number
        for table in tables
        for comparison in table.comparisons
        for number in words(table, comparison)
    }
    used: dict[str, Record] = {run.run_id: run for table in tables for row in table.rows for run in row.runs}
    ledger = [
        Entry(name, run, "completed", tuple(table.name for table in tables if holds(table, run)), "")
        for name, run in sorted(used.items())
    ]
    facts: dict[str, Any] = {"tables": tables, "ledger": ledger, "plans": [], "numbers": numbers, "openings": 3}
    return Report(**facts | changes)


def holds(table: Table, run: Record) -> bool:
    return any(run in row.runs for row in table.rows)


def table(
    name: str,
    methods: Mapping[str, Sequence[Record]],
    *,
    metrics: Sequence[str] = ("accuracy",),
    split: str = "test",
    against: str | None = None,
    plan: Plan | None = None,
    **changes: Any,
) -> Table:
    """A table of methods and their runs, every row compared with `against` on the first metric."""
    columns = [column(next(iter(methods.values()))[0], metric, split) for metric in metrics]
    rows = [row(name, label, runs, columns, split) for label, runs in methods.items()]
    found = {each.name: each for each in rows}
    comparisons = [
        compared(name, each, found[against], columns[0]) for each in rows if against and each.name != against
    ]
    facts: dict[str, Any] = {"caption": "Methods on the same samples.", "primary": metrics[0], "margin": 0.03}
    facts |= {"notes": ["Smallest detectable d_z at 80 % power: 1.68 (n=5)."]}
    return Table(
        name, split=split, columns=columns, rows=rows, comparisons=comparisons, plan=plan, against=against,
        **facts | changes,
    )  # fmt: skip


def column(record: Record, metric: str, split: str) -> Column:
    score = record.score(split)
    assert score is not None
    stated = score.metrics[metric]
    return Column(metric, stated.better, stated.range, stated.definition)


def row(table: str, label: str, runs: Sequence[Record], columns: Sequence[Column], split: str) -> Row:
    once = label in ("floor", "logreg")
    receipt = receipt_of(f"{table}.{slug(label)}", runs, split)
    cells = {
        each.metric: cell(
            f"{table}.{slug(label)}.{each.metric}", estimate(runs, each.metric, split, once), each, receipt
        )
        for each in columns
    }
    return Row(slug(label), label, tuple(runs), (), cells, deterministic=once)


def receipt_of(name: str, runs: Sequence[Record], split: str) -> Receipt:
    return Receipt(
        runs=tuple(run.run_id for run in runs),
        seeds=tuple(run.seed for run in runs),
        commits=tuple(dict.fromkeys(run.code.commit for run in runs)),
        data=runs[0].identity.data,
        data_version=runs[0].data.version,
        split=split,
        split_hash=runs[0].identity.split,
        harness=runs[0].code.harness,
        checkpoints=tuple(f"{run.run_id}: {run.checkpoint.weights}" for run in runs if run.checkpoint),
        predictions={run.run_id: score.sha256 for run in runs if (score := run.score(split))},
        command="python report.py",
        query=f"completed runs of {runs[0].conf} on {split}",
        name=name,
    )


def estimate(runs: Sequence[Record], metric: str, split: str, once: bool) -> Estimate:
    points = {}
    for run in runs:
        score = run.score(split)
        if score is not None and (value := score.metrics[metric].value) is not None:
            points[run.seed] = value
    if not points:
        return Estimate(None, None, None, points, "undefined", once)
    low, high, mean = bounds(list(points.values()))
    how = "det." if once else "Student t" if low is not None else "n<5: no interval"
    return Estimate(mean, low, high, points, how, once)


def bounds(values: Sequence[float]) -> tuple[float | None, float | None, float]:
    n, mean = len(values), sum(values) / len(values)
    if n < 5:
        return None, None, mean
    spread = (sum((value - mean) ** 2 for value in values) / (n - 1)) ** 0.5
    half = float(t.ppf(0.975, n - 1)) * spread / n**0.5
    return mean - half, mean + half, mean


def cell(key: str, found: Estimate, of: Column, receipt: Receipt) -> Cell:
    text = "undefined" if found.mean is None else f"{found.mean:.4f}"
    numbers = {"": Number(key, found.mean, text, f"mean {of.metric} over seeds", receipt)}
    if found.low is not None and found.high is not None:
        half = (found.high - found.low) / 2
        numbers["half"] = Number(f"{key}.half", half, f"{half:.4f}", "half-width of the 95 % interval", receipt)
    return Cell(found, numbers)


def compared(table: str, one: Row, other: Row, of: Column) -> Comparison:
    mine, theirs = one.cells[of.metric].estimate, other.cells[of.metric].estimate
    assert mine.mean is not None
    assert theirs.mean is not None
    apart = [value - theirs.points.get(seed, theirs.mean) for seed, value in mine.points.items()]
    low, high, delta = bounds(apart)
    verdict = "inconclusive" if low is None or high is None or low <= 0 <= high else "better" if low > 0 else "worse"
    return Comparison(
        f"{table}.{one.name}.{of.metric}", one.name, other.name, of.metric, len(apart), delta, low, high,
        0.01, 0.02, verdict, f"paired t over {len(apart)} seeds", margin=0.03, test="paired t",
    )  # fmt: skip


def words(table: Table, found: Comparison) -> list[Number]:
    receipt = next(each for each in table.rows if each.name == found.row).cells[found.column].numbers[""].receipt
    values = {"delta": found.delta, "delta_low": found.low, "delta_high": found.high, "p": found.p_holm}
    return [
        Number(f"{found.key}.verdict", None, found.verdict, found.reason, receipt),
        *(
            Number(f"{found.key}.{kind}", value, f"{value:+.4f}", f"{kind} of the difference", receipt)
            for kind, value in values.items()
            if value is not None
        ),
    ]
