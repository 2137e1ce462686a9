"""The confusion matrix of a table's best method: counts averaged over its seeds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption, listed
from receipts.report.figures.evidence import best_rows, prediction_checksums
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

SPELT = 15  # classes up to which every count is written into its cell


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table of methods that answer with classes."""
    for table, row in best_rows(report):
        if not (rows := cells(row, table.split)):
            continue
        seeds = "mean over seeds" if len(row.runs) > 1 else "one run"
        yield Figure(
            name=f"confusion-{table.name}",
            title=f"What {row.label} takes for what",
            caption=caption(
                f"Confusion matrix of {row.label}, which has the table's best mean {table.primary}",
                table,
                "Numbers are counts of samples, true classes down, given classes across; shade is the share of the "
                "true class; more on the diagonal is better",
                [row],
                f"Shown is the {seeds}; the spread between seeds is not",
                takeaway(rows),
            ),
            split=table.split,
            rows=rows,
            runs=row.runs,
            draw=draw,
            inputs=prediction_checksums(list(row.runs), table.split),
        )


def cells(row: Row, split: str) -> list[dict[str, Any]]:
    """True class, given class, mean count over runs, its share of the true class; none for a task without classes."""
    found = [score.confusion for record in row.runs if (score := record.score(split)) and score.confusion]
    if not found or len(found) != len(row.runs):
        return []
    size = range(len(found[0]))
    mean = [[sum(matrix[true][given] for matrix in found) / len(found) for given in size] for true in size]
    return [
        {
            "true": true,
            "given": given,
            "mean_count": mean[true][given],
            "share": mean[true][given] / sum(mean[true]) if sum(mean[true]) else "",
            "runs": len(found),
        }
        for true in size
        for given in size
    ]


def takeaway(rows: Rows) -> str:
    """The most frequent confusions."""
    wrong = sorted((row for row in rows if row["true"] != row["given"]), key=lambda row: -row["mean_count"])
    told = [
        f"{row['true']} taken for {row['given']} ({row['mean_count']:.3g} samples)"
        for row in wrong[:3]
        if row["mean_count"]
    ]
    return f"Most often {listed(told)}" if told else "No sample was confused"


def draw(rows: Rows) -> "Drawing":
    """Shaded cells, each with its count."""
    size = max(row["true"] for row in rows) + 1
    side = min(4.6, 1.2 + 0.34 * size)
    drawing = style.canvas(side, side + 0.3)
    axes = drawing.add_subplot()
    shares = [[0.0 if (share := rows[size * true + given]["share"]) == "" else share for given in range(size)]
              for true in range(size)]  # fmt: skip
    edges = [place - 0.5 for place in range(size + 1)]
    axes.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=1, edgecolors=style.PAPER, linewidth=0.5)
    for row in rows:
        if size <= SPELT and row["mean_count"]:
            colour = style.PAPER if row["share"] > 0.5 else "#10304f"
            text = f"{row['mean_count']:.1f}".removesuffix(".0")
            axes.text(row["given"], row["true"], text, ha="center", va="center", color=colour, fontsize=7)
    axes.set(xlabel="given class", ylabel="true class", aspect="equal")
    axes.invert_yaxis()
    step = -(-size // SPELT)
    axes.set_xticks(range(0, size, step))
    axes.set_yticks(range(0, size, step))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return drawing
