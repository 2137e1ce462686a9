"""How every figure looks: colours that colour-blind readers tell apart, shapes that survive grey print, fixed bytes.

The palette is Okabe and Ito's (2008), without yellow, which white paper swallows. Colour never says anything alone.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

INK, FAINT, PAPER = "#1b1b1b", "#b9b9b9", "#ffffff"
BEHIND = "#fefefe"  # paper behind a text: a page with dark paper puts its own here
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b6b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MOST = len(COLOURS)  # methods that one picture can tell apart
WIDE = 6.3  # inches, a text column
VERDICTS: Mapping[str, tuple[str, str]] = {
    "better": ("#009e73", "^"),
    "worse": ("#d55e00", "v"),
    "equivalent": ("#0072b2", "s"),
    "inconclusive": ("#6b6b6b", "o"),
}
FORMATS: Mapping[str, Mapping[str, Any]] = {
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    "png": {"metadata": {"Software": None}, "dpi": 200},
    "svg": {"metadata": {"Date": None, "Creator": None}, "transparent": True},
}
FAR = 0.85  # gap to the next row, of a range: less is what the row of a sweep may well be apart from its neighbours


def settings(name: str) -> Any:
    """Matplotlib's settings; `name` keeps the ids inside one SVG apart from those of its neighbours on a page."""
    return {
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.titlesize": 8.5,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "text.color": INK,
        "text.hinting": "none",  # a text is then as wide in every format as where its place was found
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "grid.color": FAINT,
        "grid.alpha": 0.45,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "lines.linewidth": 1.2,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": name,
    }


def canvas(height: float, width: float = WIDE) -> "Drawing":
    """An empty picture, in inches, whose parts find their own places."""
    from matplotlib.figure import Figure as Drawing

    return Drawing(figsize=(width, height), layout="constrained")


def rendered(drawing: "Drawing") -> dict[str, bytes]:
    """The picture in every format, the same bytes each time: no date, no version, no random id."""
    for _ in range(2):  # the second time with the room that texts beside the axes were found to need
        drawing.draw_without_rendering()
    drawing.set_layout_engine("none")  # places found once serve every format
    files = {}
    for kind, options in FORMATS.items():
        file = io.BytesIO()
        drawing.savefig(file, format=kind, **options)
        files[kind] = file.getvalue()
    return files


def named(axes: "Axes", names: list[str]) -> None:
    """Methods down the side of a picture, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def spread(count: int, height: float = 0.22) -> list[float]:
    """Offsets that keep the points of several seeds apart, in the order of the seeds; none for a single one."""
    return [height * (2 * place / (count - 1) - 1) for place in range(count)] if count > 1 else [0.0] * count


def window(
    values: Mapping[str, float], ends: Mapping[str, Sequence[float]] | None = None
) -> tuple[float, float] | None:
    """The part of an axis that holds all rows but one that lies far off, such as a floor; None where there is none.

    Far off means that the gap to the next row is at least `FAR` of the whole range, and that no bar of another row
    reaches there; `ends` are those of the bars.
    """
    inside = apart(values)
    if inside is None:
        return None
    near = [
        end for name, value in values.items() if inside[0] <= value <= inside[1] for end in (ends or {}).get(name, ())
    ]
    low, high = min([inside[0], *near]), max([inside[1], *near])
    return inside if sum(low <= value <= high for value in values.values()) < len(values) else None


def apart(values: Mapping[str, float]) -> tuple[float, float] | None:
    """The range of all values but one that lies far from the others."""
    found = sorted(values.values())
    if len(found) < 3:
        return None
    whole = found[-1] - found[0]
    if whole and found[1] - found[0] >= FAR * whole:
        return found[1], found[-1]
    if whole and found[-1] - found[-2] >= FAR * whole:
        return found[0], found[-2]
    return None


def zoom(axes: "Axes", inside: tuple[float, float]) -> None:
    """Show this part of the axis, with room at both ends."""
    room = 0.08 * (inside[1] - inside[0]) or 0.01
    axes.set_xlim(inside[0] - room, inside[1] + room)


def point_outside(axes: "Axes", place: float, value: float, inside: tuple[float, float]) -> None:
    """Where a row off the axis lies: an arrow at the edge, and its value."""
    left, text = value < inside[0], f"{value:.4g}".replace("-", "−")
    axes.annotate(
        f"◂ {text}" if left else f"{text} ▸",
        (0.01 if left else 0.99, place),
        xycoords=("axes fraction", "data"),
        ha="left" if left else "right",
        va="center",
        bbox={"facecolor": BEHIND, "edgecolor": "none", "pad": 1.5},
    )


def arrow(better: str) -> str:
    """A metric's direction in words that fit beside its name."""
    return f"{better} is better"
