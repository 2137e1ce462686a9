"""Each group by itself, the worst first: bars that start at zero, and every seed a point on them."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption
from receipts.report.figures.evidence import best, main_tables, prediction_checksums, predictions
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Report, Row
from receipts.runs.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MOST = 20


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table: its best method on the dataset's groups, or on each class where it has none."""
    for table in main_tables(report):
        row = best(table)
        found = [] if row is None else per_group(row, table.split)
        if row is None or not found:
            continue
        kind, measured, better = found[0]["kind"], found[0]["metric"], found[0]["better"]
        names = list(dict.fromkeys(line["group"] for line in found))
        shown = [line for line in found if line["group"] in names[:MOST]]
        labels = {"kind": kind, "measured": measured, "better": better}
        worst = found[0]
        yield Figure(
            name=f"groups-{table.name}",
            title=f"{row.label}, {kind} by {kind}, the worst first",
            caption=caption(
                f"{measured} of {row.label} on each {kind}, the worst first"
                + (f" ({MOST} of {len(names)})" if len(names) > MOST else ""),
                table,
                f"Metric: {measured} within the {kind}, {better} is better",
                [row],
                "Bars are means over seeds and start at zero, points are single seeds",
                f"Worst is {kind} {names[0]}, mean {worst['value']:.3g} over {worst['samples']} samples",
            ),
            split=table.split,
            rows=shown,
            runs=row.runs,
            draw=partial(draw, **labels),
            labels=labels,
            inputs=prediction_checksums(list(row.runs), table.split),
        )


def per_group(row: Row, split: str) -> list[dict[str, Any]]:
    """Group, samples, seed, value; of every group the mean first, then every seed; the worst group first."""
    runs = [(record, values) for record in row.runs if (values := by_group(record, split))]
    if not runs:
        return []
    kind, measured, better = ("", "", "")
    merged: dict[str, list[dict[str, Any]]] = {}
    for record, (words, values) in runs:
        kind, measured, better = words
        for group, (samples, value) in values.items():
            line = {"group": group, "samples": samples, "seed": record.seed, "value": value}
            merged.setdefault(group, []).append(line)
    heads = {
        group: {"group": group, "samples": lines[0]["samples"], "seed": "mean",
                "value": sum(line["value"] for line in lines) / len(lines)}
        for group, lines in merged.items()
    }  # fmt: skip
    sign = 1 if better == "higher" else -1
    order = sorted(heads, key=lambda group: (sign * heads[group]["value"], group))
    words = {"kind": kind, "metric": measured, "better": better}
    return [words | line for group in order for line in (heads[group], *merged[group])]


def by_group(record: Record, split: str) -> tuple[tuple[str, str, str], dict[str, tuple[int, float]]] | None:
    """What is measured on what, and of each group how many samples it has and their mean."""
    found = predictions(record, split)
    if found is None or found.targets is None:
        return None
    import numpy as np

    if found.probabilities is not None:
        each = (found.prediction == found.targets).astype(float)
        measured, better = "accuracy", "higher"
    else:
        n = len(found)
        each = np.abs(found.stated.astype(float) - found.targets).reshape(n, -1).mean(1)
        measured, better = "mean absolute error", "lower"
    if found.groups is None and found.probabilities is None:
        return None
    kind = "group" if found.groups is not None else "class"
    names, place = np.unique(np.array(found.groups if found.groups is not None else found.targets), return_inverse=True)
    samples, total = np.bincount(place), np.bincount(place, each)
    values = {str(name): (int(samples[at]), float(total[at] / samples[at])) for at, name in enumerate(names)}
    return (kind, measured, better), values


def draw(rows: Rows, kind: str, measured: str, better: str) -> "Drawing":
    """Bars from zero, groups down the side."""
    means = [row for row in rows if row["seed"] == "mean"]
    drawing = style.canvas(0.7 + 0.21 * len(means), 4.6)
    axes = drawing.add_subplot()
    axes.barh(range(len(means)), [row["value"] for row in means], color=style.COLOURS[5], height=0.68)
    for place, mean in enumerate(means):
        single = [row["value"] for row in rows if row["group"] == mean["group"] and row["seed"] != "mean"]
        axes.scatter(
            single, [place + offset for offset in style.spread(len(single), 0.2)], s=6, color=style.INK, zorder=3
        )
    style.named(axes, [f"{row['group']}  (n={row['samples']})" for row in means])
    axes.set_xlim(left=0)
    axes.set(xlabel=f"{measured} ({style.arrow(better)})", ylabel=kind)
    return drawing
