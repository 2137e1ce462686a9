"""Curves over one turned key: sensitivity to a hyper-parameter, and to the amount of data."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from receipts.report.arms import turned
from receipts.report.figures import style
from receipts.report.figures.caption import caption, metric
from receipts.report.figures.evidence import arm_of, mean_of, pictured, primary
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Column, Report, Row, Table
from receipts.runs.plans import Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

OF_DATA = ("rows", "train_fraction")  # last parts of the keys that turn the amount of data
WIDE_RANGE = 20  # largest value over smallest, from which an axis is logarithmic


def sensitivity(report: Report) -> Iterator[Figure]:
    """One figure for each sweep of a hyper-parameter."""
    for table in report.tables:
        if table.plan and table.plan.kind == "sweep" and not is_of_data(table.plan):
            yield from figure(table, table.plan, "sensitivity", f"Sensitivity to {table.plan.key}")


def data_size(report: Report) -> Iterator[Figure]:
    """One figure for each sweep of the amount of data."""
    for table in report.tables:
        if table.plan and table.plan.kind == "sweep" and is_of_data(table.plan):
            yield from figure(table, table.plan, "data_size", "What more data bring")


def is_of_data(plan: Plan) -> bool:
    """Whether the key that a sweep turns is an amount of data."""
    return plan.key.rpartition(".")[2] in OF_DATA


def figure(table: Table, plan: Plan, kind: str, title: str) -> Iterator[Figure]:
    """One sweep; nothing where its values are no numbers, which the dot-plot shows as well."""
    column = primary(table)
    turned = values(table, plan)
    if column is None or len(turned) < 2:
        return
    shown = [row for row, _ in turned]
    labels = {"key": plan.key, "measured": column.metric, "better": column.better, "unit": column.unit}
    yield pictured(
        table,
        shown,
        name=f"{kind}-{table.name}",
        title=title,
        caption=caption(
            f"{title}: {column.metric} against {plan.key}",
            table,
            metric(column),
            shown,
            "Every point is one seed, the line joins means, the band is the 95 % interval over seeds where n ≥ 5",
            takeaway(turned, column, plan),
        ),
        rows=[point for row, value in turned for point in points(row, value, plan.key, column)],
        draw=draw,
        labels=labels,
    )


def values(table: Table, plan: Plan) -> list[tuple[Row, float]]:
    """Rows with the number that their arm gave to the key, ascending."""
    numbers = []
    for row in table.rows:
        if (arm := arm_of(table, row.name)) is None:
            continue
        value = turned(plan, arm)
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append((row, float(value)))
    return sorted(numbers, key=lambda pair: pair[1])


def points(row: Row, value: float, key: str, column: Column) -> list[dict[str, Any]]:
    """The mean with its interval, then every seed."""
    estimate = row.cells[column.metric].estimate
    if estimate.mean is None:
        return []
    bounds = ["" if bound is None else bound for bound in (estimate.low, estimate.high)]
    head: dict[str, Any] = {key: value, "arm": row.name}
    whole = {**head, "seed": "mean", column.metric: estimate.mean, "low": bounds[0], "high": bounds[1]}
    single = [{**head, "seed": s, column.metric: v, "low": "", "high": ""} for s, v in estimate.points.items()]
    return [whole, *single]


def takeaway(turned: list[tuple[Row, float]], column: Column, plan: Plan) -> str:
    """Where the best mean lies, and how far the worst is from it."""
    scored = [(mean, value, row) for row, value in turned if (mean := mean_of(row, column)) is not None]
    if not scored:
        return "No arm has a score"
    sign = 1 if column.better == "higher" else -1
    (_, value, row), (_, other, last) = (choose(scored, key=lambda one: sign * one[0]) for choose in (max, min))
    texts = [found.cells[column.metric].numbers[""].text for found in (row, last)]
    edge = " at the edge of what was tried" if value in (turned[0][1], turned[-1][1]) else ""
    return f"Best mean {texts[0]} at {plan.key}={value:g}{edge}, worst {texts[1]} at {other:g}"


def draw(rows: Rows, key: str, measured: str, better: str, unit: str) -> "Drawing":
    """A line of means through the points of all seeds."""
    drawing = style.canvas(2.5, 4.6)
    axes = drawing.add_subplot()
    means = [row for row in rows if row["seed"] == "mean"]
    banded = [row for row in means if row["low"] != ""]
    across = [row[key] for row in banded]
    axes.fill_between(across, [row["low"] for row in banded], [row["high"] for row in banded],
                      color=style.COLOURS[0], alpha=0.18, lw=0)  # fmt: skip
    axes.plot([row[key] for row in means], [row[measured] for row in means], color=style.COLOURS[0])
    single = [row for row in rows if row["seed"] != "mean"]
    axes.scatter([row[key] for row in single], [row[measured] for row in single], s=14, color=style.INK, zorder=3)
    tried = [row[key] for row in means]
    if min(tried) > 0 and math.log(max(tried) / min(tried)) >= math.log(WIDE_RANGE):
        axes.set_xscale("log")
    axes.set(xlabel=key, ylabel=f"{measured}{f' [{unit}]' if unit else ''} ({style.arrow(better)})")
    axes.grid(axis="y")
    return drawing
