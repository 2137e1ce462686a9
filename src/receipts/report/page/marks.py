"""Small drawings inside the page's text: the seeds of a row as a strip of dots, a difference as a bar beside zero."""

import base64
import io
from collections.abc import Iterable
from typing import Any

from receipts.report.figures.style import window
from receipts.report.model import Column, Comparison, Estimate, Table

WIDTH, HEIGHT = 120, 18  # of a drawing's own coordinates


def span(table: Table, column: Column) -> tuple[float, float] | None:
    """The common axis of a column's strips, without a row that lies far off; None where nothing varies."""
    estimates = {row.name: row.cells[column.metric].estimate for row in table.rows if column.metric in row.cells}
    means = {name: estimate.mean for name, estimate in estimates.items() if estimate.mean is not None}
    inside = window(means)
    near = [estimates[name] for name, mean in means.items() if inside is None or inside[0] <= mean <= inside[1]]
    ends = [end for estimate in near for end in (estimate.mean, estimate.low, estimate.high, *estimate.points.values())]
    found = [end for end in ends if end is not None]
    return (min(found), max(found)) if found and max(found) > min(found) else None


def strip(estimate: Estimate, ends: tuple[float, float] | None) -> str:
    """Dots for seeds, a line for the mean, a bar for the interval; an arrow for what lies off the axis."""
    if estimate.mean is None or ends is None:
        return ""
    if not ends[0] <= estimate.mean <= ends[1]:
        return svg([off(estimate.mean < ends[0])])
    parts = []
    if estimate.low is not None and estimate.high is not None:
        left, right = at(estimate.low, ends), at(estimate.high, ends)
        parts.append(f'<rect class="interval" x="{left}" y="6" width="{round(right - left, 2)}" height="6"/>')
    middle = at(estimate.mean, ends)
    parts.append(f'<line class="mean" x1="{middle}" x2="{middle}" y1="2" y2="16"/>')
    seeds = () if estimate.deterministic else estimate.points.values()
    parts += [f'<circle class="seed" cx="{at(value, ends)}" cy="9" r="2.4"/>' for value in seeds]
    return svg(parts)


def bar(found: Comparison, table: Table) -> str:
    """A difference, its interval and its margin beside zero, on the axis of its table's comparisons."""
    if found.delta is None:
        return ""
    ends = reach(table, found.column)
    if not ends[0] <= found.delta <= ends[1]:
        return svg([zero(ends), off(found.delta < ends[0])])
    parts = []
    if found.margin:
        left, right = max(0.0, at(-found.margin, ends)), min(float(WIDTH), at(found.margin, ends))
        parts.append(f'<rect class="margin" x="{left}" y="0" width="{round(right - left, 2)}" height="{HEIGHT}"/>')
    parts.append(zero(ends))
    if found.low is not None and found.high is not None:
        left, right = at(found.low, ends), at(found.high, ends)
        parts.append(f'<line class="ci {found.verdict}" x1="{left}" x2="{right}" y1="9" y2="9"/>')
    parts.append(f'<circle class="delta {found.verdict}" cx="{at(found.delta, ends)}" cy="9" r="3.6"/>')
    return svg(parts)


def reach(table: Table, metric: str) -> tuple[float, float]:
    """From the lowest to the highest end of a table's differences, zero included, a difference far off left out."""
    found = [one for one in table.comparisons if one.column == metric and one.delta is not None]
    inside = window({str(place): one.delta or 0.0 for place, one in enumerate(found)} | {"zero": 0.0})
    near = [one for one in found if inside is None or inside[0] <= (one.delta or 0.0) <= inside[1]]
    ends = [end for one in near for end in (one.delta, one.low, one.high) if end is not None]
    return min(0.0, *ends, 0.0), max(0.0, *ends, 1e-9)


def zero(ends: tuple[float, float]) -> str:
    """The line of no difference."""
    return f'<line class="zero" x1="{at(0.0, ends)}" x2="{at(0.0, ends)}" y1="0" y2="{HEIGHT}"/>'


def off(left: bool) -> str:
    """An arrow at the edge."""
    points = "7,4 1,9 7,14" if left else f"{WIDTH - 7},4 {WIDTH - 1},9 {WIDTH - 7},14"
    return f'<polygon class="off" points="{points}"/>'


def at(value: float, ends: tuple[float, float]) -> float:
    """Where a value lies across a drawing."""
    return round(8 + (WIDTH - 16) * (value - ends[0]) / (ends[1] - ends[0]), 2)


def svg(parts: Iterable[str]) -> str:
    """The drawing; it repeats what stands beside it in numbers, so readers that cannot see it lose nothing."""
    from markupsafe import Markup

    head = f'<svg class="mark" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">'
    return Markup(f"{head}{''.join(parts)}</svg>")


def image(pixels: Any) -> str:
    """A kept picture as a PNG that the page holds in itself."""
    import numpy as np
    from PIL import Image

    file = io.BytesIO()
    shade = (255 * (1 - pixels if pixels.ndim == 2 else pixels)).round().astype(np.uint8)
    Image.fromarray(shade).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
