"""Performance profiles: which share of all runs on all tasks scores above each threshold (Dolan and Moré 2002)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import default_rng

from receipts.report import families
from receipts.report.figures import style
from receipts.report.figures.caption import caption, listed
from receipts.report.figures.evidence import pictured
from receipts.report.figures.figure import Figure, Rows
from receipts.report.intervals import LEAST
from receipts.report.model import OverTasks, Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

IQM = "iqm"  # the column that only a table over many tasks has
STEPS = 101  # thresholds, from the lowest score to the highest


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table over so many tasks that it has an interquartile mean."""
    for table in report.tables:
        if (over := table.over) is None or IQM not in {column.metric for column in table.columns}:
            continue
        shown = [row for row in table.rows if len(over.scores[row.name])][: style.MOST]
        if shown:
            yield pictured(
                table,
                shown,
                name=f"profiles-{table.name}",
                title="Performance profiles over tasks",
                caption=caption(
                    f"Performance profiles of {listed(row.label for row in shown)} over {len(over.tasks)} tasks",
                    table,
                    "The share of all (seed, task) scores above each threshold of the normalised score; more is better",
                    shown,
                    "Bands are 95 % intervals at each threshold, by a bootstrap of seeds within each task, where n ≥ 5",
                    takeaway(shown),
                ),
                rows=points(shown, over),
                draw=draw,
                labels={},
            )


def points(shown: list[Row], over: OverTasks) -> list[dict[str, Any]]:
    """Method, threshold, share above it, and the ends of the band."""
    every = np.concatenate([over.scores[row.name].ravel() for row in shown])
    thresholds = np.linspace(every.min(), every.max(), STEPS)
    found = []
    for row in shown:
        scores = over.scores[row.name]
        shares = families.profile(scores, thresholds)
        banded = len(scores) >= LEAST and not row.deterministic
        ends = families.band(scores, thresholds, default_rng(0)) if banded else None
        for at, threshold in enumerate(thresholds):
            low, high = (float(ends[0][at]), float(ends[1][at])) if ends else ("", "")
            line = {"method": row.label, "threshold": float(threshold), "share": float(shares[at])}
            found.append({**line, "low": low, "high": high})
    return found


def takeaway(shown: list[Row]) -> str:
    """The interquartile means, the best first."""
    numbers = {row.label: number for row in shown if (number := row.cells[IQM].numbers.get("")) is not None}
    ordered = sorted(numbers, key=lambda label: -(numbers[label].value or 0.0))
    return f"Interquartile means: {', '.join(f'{label} {numbers[label].text}' for label in ordered)}"


def draw(rows: Rows) -> "Drawing":
    """A falling line for each method; the higher, the better."""
    drawing = style.canvas(2.6, 4.6)
    axes = drawing.add_subplot()
    for place, method in enumerate(dict.fromkeys(row["method"] for row in rows)):
        mine = [row for row in rows if row["method"] == method]
        across, colour = [row["threshold"] for row in mine], style.COLOURS[place]
        if mine[0]["low"] != "":
            ends = [row["low"] for row in mine], [row["high"] for row in mine]
            axes.fill_between(across, *ends, color=colour, alpha=0.18, lw=0, step="post")
        axes.plot(across, [row["share"] for row in mine], color=colour, ls=style.DASHES[place], label=method,
                  drawstyle="steps-post")  # fmt: skip
    axes.set(xlabel="normalised score", ylabel="share of runs above", ylim=(-0.02, 1.02))
    axes.grid(axis="y")
    axes.legend(loc="lower left")
    return drawing
