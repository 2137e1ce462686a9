"""The most confident mistakes as pictures, and below them the least confident right answers."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption
from receipts.report.figures.evidence import best_rows, prediction_checksums
from receipts.report.figures.examples import Example, examples, mistakes, unsure
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

ACROSS = 8
WORDS = {"mistake": "wrong and sure", "unsure": "right, barely"}
CHOSEN = (
    "Chosen by rule: above, of the samples that at least one seed got wrong, those that most seeds got wrong and of "
    "these the most confident; below, of those that every seed got right, the least confident"
)


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table of methods whose inputs are images."""
    for table, row in best_rows(report):
        everyone = examples(row, table.split, report.folder)
        found = [one for one in everyone if one.image is not None]
        if not found:
            continue
        above, below = mistakes(found)[:ACROSS], unsure(found)[:ACROSS]
        images = {one.sample: one.image for one in (*above, *below)}
        yield Figure(
            name=f"mistakes-{table.name}",
            title=f"Where {row.label} is wrong and sure, and right and unsure",
            caption=caption(
                f"Samples of {row.label}, as the method saw them",
                table,
                "Over each picture: true class → given class, mean confidence of the counted seeds; in a mistake "
                "lower is better",
                [row],
                f"{CHOSEN if below else 'Chosen by rule: the samples with the largest mean absolute error'}",
                takeaway(everyone, above),
            ),
            split=table.split,
            rows=[line(one, part) for part, some in (("mistake", above), ("unsure", below)) for one in some],
            runs=row.runs,
            draw=draw,
            inputs=prediction_checksums(list(row.runs), table.split),
            images=images,
        )


def line(one: Example, part: str) -> dict[str, Any]:
    """One example as a row."""
    return {
        "part": part,
        "sample": one.sample,
        "target": one.target,
        "given": one.given,
        "wrong_seeds": one.wrong,
        "seeds": one.seeds,
        "confidence": "" if one.confidence is None else one.confidence,
        "error": "" if one.error is None else one.error,
        "note": one.note,
    }


def takeaway(everyone: list[Example], above: list[Example]) -> str:
    """How many samples went wrong, and how sure the method was of the worst."""
    wrong = [one for one in everyone if one.is_mistake]
    if not wrong or not above or above[0].confidence is None:
        return ""
    always = sum(one.wrong == one.seeds for one in wrong)
    noted = sum(bool(one.note) for one in wrong)
    remarks = f"; people wrote about {noted} of them in notes/examples.csv" if noted else ""
    return f"{len(wrong)} samples are wrong under at least one seed and {always} under every seed{remarks}"


def draw(rows: Rows, images: Mapping[str, Any]) -> "Drawing":
    """Two rows of pictures."""
    parts = [[row for row in rows if row["part"] == part] for part in ("mistake", "unsure")]
    shown = [part for part in parts if part]
    drawing = style.canvas(1.15 * len(shown) + 0.1)
    grid = drawing.subplots(len(shown), ACROSS, squeeze=False)
    for line, part in zip(grid, shown, strict=True):
        line[0].set_ylabel(WORDS[part[0]["part"]])
        for axes, row in zip_longest(line, part):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if row is not None:
                picture(axes, row, images[row["sample"]])
    return drawing


def picture(axes: "Axes", row: Mapping[str, Any], image: Any) -> None:
    """One image, its classes and its confidence."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    sure = f"{row['confidence']:.2f}" if row["confidence"] != "" else f"error {row['error']:.3g}"
    axes.set_title(f"{row['target']} → {row['given']}\n{sure}", fontsize=7, pad=3)
