"""Each group by itself, the worst first: bars that start at zero, and every seed a point on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption
from receipts.report.figures.evidence import best_rows, prediction_checksums, predictions, readable
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Report, Row
from receipts.runs.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

MOST = 20


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table: its best method on the dataset's groups, or on each class where it has none."""
    for table, row in best_rows(report):
        found = per_group(row, table.split, report.folder)
        if not found:
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
            draw=draw,
            labels=labels,
            inputs=prediction_checksums(list(row.runs), table.split),
        )


def per_group(row: Row, split: str, runs: Path) -> list[dict[str, Any]]:
    """Of every group the mean first, then every seed; the worst group first. None where there are no groups."""
    merged: dict[str, list[dict[str, Any]]] = {}
    for record in readable(row):
        for line in by_group(record, split, runs):
            merged.setdefault(line["group"], []).append(line)
    if not merged:
        return []
    means = {name: sum(line["value"] for line in lines) / len(lines) for name, lines in merged.items()}
    sign = 1 if next(iter(merged.values()))[0]["better"] == "higher" else -1
    return [
        line
        for name in sorted(merged, key=lambda name: (sign * means[name], name))
        for line in ({**merged[name][0], "seed": "mean", "value": means[name]}, *merged[name])
    ]


def by_group(record: Record, split: str, runs: Path) -> list[dict[str, Any]]:
    """One run's groups, or its classes where the dataset has no groups: how many samples each has, and their mean."""
    import numpy as np

    found = predictions(record, split, runs)
    if found is None or found.targets is None or (found.groups is None and found.probabilities is None):
        return []
    if found.probabilities is not None:
        each = (found.prediction == found.targets).astype(float)
        measured, better = "accuracy", "higher"
    else:
        each = np.abs(found.stated.astype(float) - found.targets).reshape(len(found), -1).mean(1)
        measured, better = "mean absolute error", "lower"
    kind, members = ("class", found.targets) if found.groups is None else ("group", np.array(found.groups))
    names, place = np.unique(members, return_inverse=True)
    samples, total = np.bincount(place), np.bincount(place, each)
    head = {"kind": kind, "metric": measured, "better": better}
    return [
        {**head, "group": str(name), "samples": int(count), "seed": record.seed, "value": float(sum_ / count)}
        for name, count, sum_ in zip(names, samples, total, strict=True)
    ]


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
