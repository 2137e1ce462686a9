"""The forest plot: every declared comparison as a difference with its interval, its seeds, and the verdict."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from receipts.report.figures import style
from receipts.report.figures.caption import caption, listed, metric, point_of
from receipts.report.figures.evidence import pictured
from receipts.report.figures.figure import Figure, Rows
from receipts.report.model import Column, Comparison, Report, Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing


def make(report: Report) -> Iterator[Figure]:
    """One figure for each table and metric with comparisons."""
    for table in report.tables:
        for column in table.columns:
            found = [one for one in table.comparisons if one.column == column.metric and one.delta is not None]
            if found:
                yield figure(table, column, found)


def figure(table: Table, column: Column, found: list[Comparison]) -> Figure:
    """The comparisons of one metric."""
    rows = {row.name: row for row in table.rows}
    named = dict.fromkeys(name for one in found for name in (one.row, one.against))
    shown = [rows[name] for name in named if name in rows]
    labels = {"measured": column.metric, "better": column.better, "unit": column.unit}
    last = "" if column.metric == table.primary else f"-{column.metric}"
    against = listed(dict.fromkeys(rows[one.against].label for one in found if one.against in rows))
    return pictured(
        table,
        shown,
        name=f"forest-{table.name}{last}",
        title=f"Differences from {against}, {column.metric}",
        caption=caption(
            f"Differences from {against} in {column.metric}, with verdicts",
            table,
            metric(column),
            shown,
            f"Large marks are mean differences, {bars(found)}, small dots single {point_of(table)}s or pairs of them"
            f"{band(found)}",
            takeaway(found, rows),
        ),
        rows=[line for one in found for line in lines(one, rows)],
        draw=draw,
        labels=labels,
    )


def lines(one: Comparison, rows: dict[str, Row]) -> Iterator[dict[str, Any]]:
    """The difference itself, then that of every seed which both methods have."""
    label = rows[one.row].label if one.row in rows else one.row
    head = {"comparison": label, "against": one.against}
    bounds = {"low": number(one.low), "high": number(one.high), "margin": number(one.margin)}
    yield {**head, "seed": "all", "delta": one.delta, **bounds, "verdict": word(one), "expected": one.expected}
    for seed, delta in differences(one, rows).items():
        yield {**head, "seed": seed, "delta": delta, "low": "", "high": "", "margin": "", "verdict": "", "expected": ""}


def differences(one: Comparison, rows: dict[str, Row]) -> dict[int, float]:
    """Row minus reference for every shared seed; a deterministic method stands beside every seed of the other."""
    pair = [rows[name].cells[one.column].estimate for name in (one.row, one.against) if name in rows]
    if len(pair) != 2:
        return {}
    mine, theirs = pair
    if theirs.deterministic and theirs.mean is not None:
        return {seed: value - theirs.mean for seed, value in mine.points.items()}
    if mine.deterministic and mine.mean is not None:
        return {seed: mine.mean - value for seed, value in theirs.points.items()}
    return {seed: mine.points[seed] - theirs.points[seed] for seed in mine.points if seed in theirs.points}


def number(value: float | None) -> float | str:
    """A cell of the CSV: empty where there is no number."""
    return "" if value is None else value


def word(one: Comparison) -> str:
    """The verdict, and whether it matters."""
    return f"{one.verdict} (> margin)" if one.meaningful else one.verdict


def bars(found: list[Comparison]) -> str:
    """Which tests made the intervals, and whether some comparison has none."""
    tests = listed(dict.fromkeys(one.test for one in found if one.low is not None))
    if not tests:
        return "without bars, since no interval is warranted"
    none = "; no bar where an interval is not warranted" if any(one.low is None for one in found) else ""
    return f"bars their 95 % intervals ({tests}{none})"


def band(found: list[Comparison]) -> str:
    """What the shaded band means, or why several margins have none."""
    margins = [f"±{margin:.3g}" for margin in sorted({one.margin for one in found if one.margin})]
    if len(margins) > 1:
        return f"; margins differ by comparison ({margins[0]} to {margins[-1]}), so none is shaded"
    return f"; the shaded band is the margin of {margins[0]}" if margins else ""


def takeaway(found: list[Comparison], rows: dict[str, Row]) -> str:
    """The verdicts, in the words of the tables."""
    if len(found) > 6:
        counts = Counter(word(one) for one in found)
        return "; ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return "; ".join(f"{rows[one.row].label if one.row in rows else one.row}: {word(one)}" for one in found)


def draw(rows: Rows, measured: str, better: str, unit: str) -> "Drawing":
    """Differences along the axis, comparisons down the side, verdicts at the right."""
    whole = [row for row in rows if row["seed"] == "all"]
    drawing = style.canvas(0.75 + 0.42 * len(whole))
    axes = drawing.add_subplot()
    margins = {row["margin"] for row in whole if row["margin"] != ""}
    if len(margins) == 1:
        axes.axvspan(-min(margins), min(margins), color=style.FAINT, alpha=0.28, lw=0)
    axes.axvline(0, color=style.INK, lw=0.8)
    inside = style.window(
        {str(place): row["delta"] for place, row in enumerate(whole)} | {"zero": 0.0},
        {str(place): [row[end] for end in ("low", "high") if row[end] != ""] for place, row in enumerate(whole)},
    )
    for place, row in enumerate(whole):
        if inside and not inside[0] <= row["delta"] <= inside[1]:
            style.point_outside(axes, place, row["delta"], inside)
            verdict(axes, place, row)
            continue
        single = [other["delta"] for other in rows if other["seed"] != "all" and is_same(other, row)]
        offsets = [place + offset for offset in style.spread(len(single), 0.16)]
        axes.scatter(single, offsets, s=7, color=style.INK, alpha=0.45, lw=0)
        drawn(axes, place, row)
    style.named(axes, [row["comparison"] for row in whole])
    if inside:
        near = {(row["comparison"], row["against"]) for row in whole if inside[0] <= row["delta"] <= inside[1]}
        kept = [
            row[bound]
            for row in rows
            for bound in ("delta", "low", "high")
            if (row["comparison"], row["against"]) in near and row[bound] != ""
        ]
        style.zoom(axes, (min(0.0, *kept), max(0.0, *kept)))
    toward = "→" if better == "higher" else "←"
    axes.set_xlabel(f"difference in {measured}{f' [{unit}]' if unit else ''}    ({toward} better)")
    return drawing


def is_same(one: Any, other: Any) -> bool:
    """Whether two rows belong to one comparison."""
    return bool((one["comparison"], one["against"]) == (other["comparison"], other["against"]))


def drawn(axes: "Axes", place: int, row: Any) -> None:
    """One difference, its interval and its verdict."""
    colour, marker = style.VERDICTS[row["verdict"].split(" ")[0]]
    if row["low"] != "":
        axes.plot([row["low"], row["high"]], [place, place], color=colour, lw=2, solid_capstyle="butt", zorder=2)
    filled = "none" if row["verdict"] == "inconclusive" else colour
    axes.scatter([row["delta"]], [place], s=42, marker=marker, facecolor=filled, edgecolor=colour, lw=1.4, zorder=3)
    verdict(axes, place, row)


def verdict(axes: "Axes", place: int, row: Any) -> None:
    """The verdict in words, at the right of its row."""
    expected = f"  (expected {row['expected']})" if row["expected"] else ""
    text = f"{row['verdict']}{expected}"
    axes.annotate(text, (1.015, place), xycoords=("axes fraction", "data"), va="center", fontsize=7.5)
