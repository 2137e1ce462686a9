"""Learning curves: the primary metric on val after every epoch, one line for each seed, the selected epoch marked."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from receipts.report.figures import style
from receipts.report.figures.caption import caption, listed, metric, spans
from receipts.report.figures.evidence import history, history_checksum, primary, readable
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Report, Row, Table
from receipts.runs.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table that has a method trained in epochs."""
    for table in report.tables:
        if (column := primary(table)) is None or table.over is not None:
            continue
        curves = [
            (row, found) for row in table.rows[: style.MOST] if (found := points(row, column.metric, report.folder))
        ]
        if not curves:
            continue
        shown = [row for row, _ in curves]
        runs = [record for row in shown for record in row.runs if history(record, report.folder)]
        yield Figure(
            name=f"learning_curves-{table.name}",
            title=f"Learning curves: {listed(row.label for row in shown)}",
            caption=caption(
                f"Learning curves of {listed(row.label for row in shown)}, after every epoch",
                table,
                metric(column),
                shown,
                "Lines are seeds, a dot the epoch whose weights were kept; the first epochs may lie off the axis",
                takeaway(shown, table),
                "val",
            ),
            split="val",
            rows=[point for _, found in curves for point in found],
            runs=runs,
            draw=draw,
            labels={"measured": column.metric, "better": column.better, "unit": column.unit},
            inputs={name: checksum for run in runs for name, checksum in history_checksum(run, report.folder).items()},
        )


def points(row: Row, measured: str, runs: Path) -> list[dict[str, object]]:
    """Method, seed, epoch, value on val, and whether that epoch was selected."""
    return [
        {
            "method": row.label,
            "seed": record.seed,
            "epoch": int(epoch),
            f"val_{measured}": value,
            "selected": int(record.checkpoint is not None and record.checkpoint.epoch == int(epoch)),
        }
        for record in readable(row)
        for line in history(record, runs)
        if (value := line.get(f"val/{measured}")) is not None and (epoch := line.get("epoch")) is not None
    ]


def takeaway(rows: list[Row], table: Table) -> str:
    """Where the selected epochs lie."""
    told = []
    for row in rows:
        epochs = sorted({epoch for record in row.runs if (epoch := selected(record)) is not None})
        if epochs:
            told.append(f"{row.label} was kept from epoch {spans(epochs)}")
    split = "" if table.split == "val" else f"; the {table.split} split plays no part in it"
    return f"{'; '.join(told)}{split}" if told else "No epoch was selected: the last one was kept"


def selected(record: Record) -> int | None:
    """The epoch whose weights were kept."""
    return record.checkpoint.epoch if record.checkpoint else None


def limits(values: list[float], better: str) -> tuple[float | None, float | None]:
    """The ends of the axis: at the one that first epochs would stretch, a twentieth of all values may lie beyond."""
    found = sorted(values)
    edge, last = (
        (found[len(found) // 20], found[-1]) if better == "higher" else (found[-1 - len(found) // 20], found[0])
    )
    room = 0.06 * (last - edge)
    end = edge - room if room else None
    return (end, None) if better == "higher" else (None, end)


def draw(rows: Rows, measured: str, better: str, unit: str) -> "Drawing":
    """Lines over epochs."""
    from matplotlib.ticker import MaxNLocator

    drawing = style.canvas(2.6)
    axes = drawing.add_subplot()
    methods = list(dict.fromkeys(row["method"] for row in rows))
    for place, method in enumerate(methods):
        mine = [row for row in rows if row["method"] == method]
        for number, seed in enumerate(dict.fromkeys(row["seed"] for row in mine)):
            line = [row for row in mine if row["seed"] == seed]
            axes.plot(
                [row["epoch"] for row in line],
                [row[f"val_{measured}"] for row in line],
                color=style.COLOURS[place],
                linestyle=style.DASHES[place],
                alpha=0.75,
                lw=1,
                label=method if number == 0 else None,
            )
            kept = [row for row in line if row["selected"]]
            across, up = [row["epoch"] for row in kept], [row[f"val_{measured}"] for row in kept]
            axes.scatter(across, up, marker=style.MARKERS[place], color=style.COLOURS[place], s=22, zorder=3)
    axes.set(xlabel="epoch", ylabel=f"val {measured}{f' [{unit}]' if unit else ''}")
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    bottom, top = limits([row[f"val_{measured}"] for row in rows], better)
    axes.set_ylim(bottom=bottom, top=top)
    axes.legend(loc="best", ncols=min(3, len(methods)))
    return drawing
