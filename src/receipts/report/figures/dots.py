"""The seed dot-plot: every seed of every method is a point, the mean a line, the interval a bar."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption, listed, metric, point_of
from receipts.report.figures.evidence import best, mean_of, pictured, primary
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Column, Report, Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MOST = 30  # rows of one picture
WHOLE = ("mean", "det.")


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table, on its primary metric."""
    for table in report.tables:
        column = primary(table)
        shown = [row for row in table.rows if column and column.metric in row.cells and points(row, column)][:MOST]
        if column is None or not shown:
            continue
        labels = {"measured": column.metric, "better": column.better, "unit": column.unit}
        yield pictured(
            table,
            shown,
            name=f"dots-{table.name}",
            title=f"Every {point_of(table)} of every method in {table.name}, {column.metric}",
            caption=caption(
                f"{column.metric} of {listed(row.label for row in shown)}, every {point_of(table)} a point",
                table,
                metric(column),
                shown,
                f"Upright lines are means; {intervals(shown, column)}. The axis does not start at zero",
                takeaway(table, column),
            ),
            rows=[point for row in shown for point in points(row, column)],
            draw=draw,
            labels=labels,
        )


def points(row: Row, column: Column) -> list[dict[str, Any]]:
    """The mean with its interval, then every seed."""
    estimate = row.cells[column.metric].estimate
    if estimate.mean is None:
        return []
    bounds = ["" if bound is None else bound for bound in (estimate.low, estimate.high)]
    kind = "det." if estimate.deterministic else "mean"
    whole = {"method": row.label, "seed": kind, column.metric: estimate.mean, "low": bounds[0], "high": bounds[1]}
    single = [
        {"method": row.label, "seed": seed, column.metric: value, "low": "", "high": ""}
        for seed, value in estimate.points.items()
    ]
    return [whole, *([] if estimate.deterministic else single)]


def intervals(rows: list[Row], column: Column) -> str:
    """How the intervals were found; a method without one says why where its seeds are counted."""
    found = [row.cells[column.metric].estimate for row in rows]
    ways = listed(dict.fromkeys(one.how.replace(", 95%", "") for one in found if one.low is not None))
    over = "" if "folds" in ways else " over seeds"
    return f"bars are 95 % intervals{over} ({ways})" if ways else "no method has enough seeds for an interval"


def takeaway(table: Table, column: Column) -> str:
    """The best mean, and how the printed number reads."""
    row = best(table)
    number = None if row is None else row.cells[column.metric].numbers.get("")
    if row is None or number is None:
        return "No method has a score"
    equal = [other.label for other in table.rows if mean_of(other, column) == mean_of(row, column)]
    return f"{listed(equal)} {'have' if len(equal) > 1 else 'has'} the best mean, {number.text}"


def draw(rows: Rows, measured: str, better: str, unit: str) -> "Drawing":
    """Points along the axis, methods down the side."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    drawing = style.canvas(0.7 + 0.36 * len(methods))
    axes = drawing.add_subplot()
    means = {row["method"]: row[measured] for row in rows if row["seed"] in WHOLE}
    bars = [row for row in rows if row["seed"] in WHOLE and row["low"] != ""]
    inside = style.window(means, {row["method"]: (row["low"], row["high"]) for row in bars})
    for place, method in enumerate(methods):
        if inside and not inside[0] <= means[method] <= inside[1]:
            style.point_outside(axes, place, means[method], inside)
            continue
        colour, marker = style.COLOURS[place % style.MOST], style.MARKERS[place % style.MOST]
        whole, *single = [row for row in rows if row["method"] == method]
        if whole["low"] != "":
            axes.plot([whole["low"], whole["high"]], [place, place], color=colour, lw=5, alpha=0.25, zorder=1)
        if whole["seed"] == "det.":
            axes.scatter([whole[measured]], [place], s=40, marker="|", color=style.INK, lw=1.8, zorder=2)
            axes.annotate(" det.", (whole[measured], place), va="center", xytext=(4, 0), textcoords="offset points")
        else:
            axes.plot([whole[measured]] * 2, [place - 0.3, place + 0.3], color=style.INK, lw=1.3, zorder=2)
        heights = [place + offset for offset in style.spread(len(single))]
        axes.scatter([row[measured] for row in single], heights, s=17, marker=marker, color=colour, zorder=3)
    style.named(axes, methods)
    if inside:
        near = [row for row in rows if inside[0] <= means[row["method"]] <= inside[1]]
        kept = [row[bound] for row in near for bound in (measured, "low", "high") if row[bound] != ""]
        style.zoom(axes, (min(kept), max(kept)))
    axes.set_xlabel(f"{measured}{f' [{unit}]' if unit else ''}    ({style.arrow(better)})")
    return drawing
