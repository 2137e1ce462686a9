"""The reliability diagram: how often a method is right where it says it is sure, in the bins of ECE."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption, listed
from receipts.report.figures.evidence import main_tables, prediction_checksums, predictions, readable
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Report, Row
from receipts.runs.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

MOST = 4  # panels


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table of methods that answer with probabilities."""
    for table in main_tables(report):
        shown: list[Row] = []
        rows: list[dict[str, Any]] = []
        for row in table.rows:
            if len(shown) == MOST:
                break  # what is not shown is not read
            found = [point for record in readable(row) for point in points(row, record, table.split, report.folder)]
            if found and len(shown) < MOST:
                shown.append(row)
                rows += found
        if not shown:
            continue
        runs = [record for row in shown for record in row.runs]
        labels = {"ece": {row.label: error(row, table.split) for row in shown}}
        others = len(table.rows) - len(shown)
        left_out = f"; the first {MOST} methods with probabilities are shown" if others and len(shown) == MOST else ""
        yield Figure(
            name=f"reliability-{table.name}",
            title=f"Confidence against accuracy: {listed(row.label for row in shown)}",
            caption=caption(
                f"Reliability of {listed(row.label for row in shown)}: accuracy in each bin of confidence",
                table,
                "Metric: expected calibration error (ECE), lower is better, the mean gap between confidence and "
                "accuracy over 15 bins of equal width, weighted by samples; on the diagonal a method is as sure as it "
                "is right",
                shown,
                f"Every point is one bin of one seed, larger where it holds more samples{left_out}",
                takeaway(rows, labels["ece"]),
            ),
            split=table.split,
            rows=rows,
            runs=runs,
            draw=draw,
            labels=labels,
            inputs=prediction_checksums(runs, table.split),
        )


def points(row: Row, record: Record, split: str, runs: Path) -> list[dict[str, Any]]:
    """Bins of one run that hold samples: their mean confidence and their accuracy, as the harness bins them."""
    from receipts.evaluation.formulas import BINS

    found = predictions(record, split, runs)
    if found is None or found.probabilities is None or found.targets is None:
        return []
    confidence = found.probabilities.max(axis=1).astype("float64")
    right = found.prediction == found.targets
    place = (confidence * BINS).astype(int).clip(max=BINS - 1)
    return [
        {
            "method": row.label,
            "seed": record.seed,
            "bin_low": bin / BINS,
            "bin_high": (bin + 1) / BINS,
            "samples": int((place == bin).sum()),
            "confidence": float(confidence[place == bin].mean()),
            "accuracy": float(right[place == bin].mean()),
        }
        for bin in range(BINS)
        if (place == bin).any()
    ]


def error(row: Row, split: str) -> str:
    """The calibration error as its table prints it, else the mean of what the harness stored."""
    cell = row.cells.get("ece")
    if cell is not None and (number := cell.numbers.get("")) is not None:
        return number.text
    stored = [
        score.metrics["ece"].value for record in row.runs if (score := record.score(split)) and "ece" in score.metrics
    ]
    values = [value for value in stored if value is not None]
    return f"{sum(values) / len(values):.3f}" if values else "undefined"


def takeaway(rows: Rows, ece: dict[str, str]) -> str:
    """Each method's error, and whether it is too sure or too modest."""
    told = []
    for method, text in ece.items():
        mine = [row for row in rows if row["method"] == method]
        samples = sum(row["samples"] for row in mine)
        gap = sum(row["samples"] * (row["confidence"] - row["accuracy"]) for row in mine) / samples
        told.append(f"{method} has ECE {text} and is on average too {'sure' if gap > 0 else 'modest'}")
    return "; ".join(told)


def draw(rows: Rows, ece: dict[str, str]) -> "Drawing":
    """One panel a method."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    drawing = style.canvas(2.2 if len(methods) > 2 else 2.7, min(style.WIDE, 0.6 + 2.3 * len(methods)))
    panels = drawing.subplots(1, len(methods), sharey=True, squeeze=False)[0]
    for place, (axes, method) in enumerate(zip(panels, methods, strict=True)):
        panel(axes, [row for row in rows if row["method"] == method], style.COLOURS[place], style.MARKERS[place])
        axes.set_title(f"{method}\nECE {ece[method]}")
    panels[0].set_ylabel("accuracy")
    return drawing


def panel(axes: "Axes", rows: Rows, colour: str, marker: str) -> None:
    """The points of one method beside the diagonal."""
    axes.plot([0, 1], [0, 1], color=style.FAINT, lw=1)
    most = max(row["samples"] for row in rows)
    sizes = [6 + 60 * row["samples"] / most for row in rows]
    across, up = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
    axes.scatter(across, up, s=sizes, color=colour, marker=marker, alpha=0.6, lw=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", aspect="equal")
    axes.grid()
