"""The slices of a table for reading and for programs: `tables/<name>-slices.{md,csv}`."""

from pathlib import Path

from receipts.report.model import Comparison, Part, Report, Sliced, Table
from receipts.runs.sheets import sheet
from receipts.runs.views import escaped

GLYPHS = {"better": "▲", "worse": "▼", "equivalent": "≈", "inconclusive": "○"}


def write(report: Report, folder: Path) -> None:
    """`tables/<name>-slices.{md,csv}` for every table whose dataset declares slices."""
    for table in report.tables:
        if table.slices:
            stem = folder / "tables" / f"{table.name}-slices"
            stem.with_suffix(".md").write_text(markdown(table), encoding="utf-8")
            stem.with_suffix(".csv").write_text(to_csv(table), encoding="utf-8", newline="")


def markdown(table: Table) -> str:
    """The slices of a table for reading."""
    lines = [f"# {table.name} by slice", ""]
    for found in table.slices:
        lines += [f"## {heading(found, table)}", "", *grid(found, table), ""]
    return "\n".join([*lines, *notes(table), ""])


def heading(found: Sliced, table: Table) -> str:
    """What a slicing is of."""
    return f"{found.name}: {found.column.metric} on {table.split}, worst part first"


def grid(found: Sliced, table: Table) -> list[str]:
    """One slicing as a table in Markdown: a line for each part, a column for each method."""
    rows = shown_rows(found, table)
    head = [f"| part | n | {' | '.join(escaped(table.label(row)) for row in rows)} |", f"|{'---|' * (len(rows) + 2)}"]
    return head + [
        f"| {escaped(part.name)} | {part.n} | {' | '.join(shown(part, row) for row in rows)} |" for part in found.parts
    ]


def shown_rows(found: Sliced, table: Table) -> list[str]:
    """The rows that have a number on some part, in the table's order."""
    return [row.name for row in table.rows if any(row.name in part.estimates for part in found.parts)]


def notes(table: Table) -> list[str]:
    """What the marks mean, and over how many comparisons was corrected."""
    count = sum(len(part.comparisons) for found in table.slices for part in found.parts)
    against = table.label(table.against or "")
    marks = ", ".join(f"{glyph} {word}" for word, glyph in GLYPHS.items())
    told = [f"Against {against}, Holm over all {count} comparisons of these slices: {marks}."] if count else []
    return [*told, "Edges of quantiles and lengths, and what is rare, are those of train."]


def shown(part: Part, row: str) -> str:
    """A value with its interval and the mark of its verdict."""
    found = part.estimates.get(row)
    numbers = part.numbers.get(row, {})
    if found is None or "" not in numbers:
        return "—"
    ends = f" [{numbers['low'].text}, {numbers['high'].text}]" if "low" in numbers and "high" in numbers else ""
    glyph = next((f" {GLYPHS[one.verdict]}" for one in part.comparisons if one.row == row), "")
    return f"{numbers[''].text}{ends}{glyph}"


def to_csv(table: Table) -> str:
    """The slices of a table, a line for each part and method."""
    rows: list[list[object]] = [
        ["slicing", "part", "n", "method", "metric", "mean", "low", "high", "p_holm", "verdict"]
    ]
    for found in table.slices:
        for part in found.parts:
            judged: dict[str, Comparison] = {one.row: one for one in part.comparisons}
            for row, one in part.estimates.items():
                other = judged.get(row)
                cells = [one.mean, one.low, one.high, other.p_holm if other else None]
                verdict = other.verdict if other else ""
                numbers = ["" if value is None else f"{value:.6g}" for value in cells]
                rows.append([found.name, part.name, part.n, row, found.column.metric, *numbers, verdict])
    return sheet(rows)
