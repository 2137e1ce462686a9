"""A table as LaTeX, Markdown, CSV and HTML, all from one grid of printed cells."""

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from receipts.report import latex, numerals
from receipts.report.model import Cell, Column, Comparison, Estimate, Report, Row, Table
from receipts.runs.sheets import sheet
from receipts.runs.views import ARROW, escaped

ROOMY, WIDEST = 3, 4  # columns that a page has room for, and those that it has in small print
LONG = 28  # letters of a method that are printed in two lines


@dataclass(frozen=True, slots=True)
class Printed:
    """One cell as text: the value, what stands beside it (`± 0.008`, `det.`, `n=1`), bold, its mark, its key."""

    value: str
    beside: str = ""
    bold: bool = False
    mark: str = ""
    key: str = ""
    spread: str = ""  # what stands after ±, where that is what stands beside it


@dataclass(frozen=True, slots=True)
class Line:
    """One method as text: its label, a cell for each column, `k/n ok`, and its verdict against the reference."""

    label: str
    cells: Sequence[Printed]
    ok: str
    verdict: str


def write(report: Report, folder: Path) -> None:
    """Write `tables/<name>.{tex,md,csv,html}`."""
    (folder / "tables").mkdir()
    for table in report.tables:
        stem = folder / "tables" / table.name
        for suffix, text in (("tex", to_latex), ("md", to_markdown), ("csv", to_csv), ("html", to_html)):
            stem.with_name(f"{table.name}.{suffix}").write_text(text(table), encoding="utf-8", newline="")


@lru_cache(maxsize=64)
def lines(table: Table) -> Sequence[Line]:
    """The grid that all renderings share."""
    places = {c.metric: numerals.of_column(row.cells[c.metric].estimate for row in table.rows) for c in table.columns}
    judged = judgements(table)
    return [
        Line(
            row.label,
            [printed(row, row.cells[column.metric], places[column.metric]) for column in table.columns],
            row.ok,
            verdict(row, table, judged.get(row.name)),
        )
        for row in table.rows
    ]


def printed(row: Row, cell: Cell, places: int) -> Printed:
    """One cell as text."""
    found, number = cell.estimate, cell.numbers.get("")
    if number is None:
        return Printed("—")
    beside = beside_of(found, places)
    spread = beside.removeprefix("± ") if beside.startswith("± ") else ""
    return Printed(number.text, beside, cell.bold, cell.mark, number.key, spread)


def beside_of(found: Estimate, places: int) -> str:
    """What a value is printed with: the half-width, both ends where these are not symmetric, or why there is none."""
    if found.deterministic:
        return "det."
    if found.low is None or found.high is None:
        return f"n={len(found.points)}" if found.points else ""
    if numerals.is_symmetric(found):
        return f"± {numerals.fixed(numerals.half_width(found), places)}"
    return f"[{numerals.fixed(found.low, places)}, {numerals.fixed(found.high, places)}]"


def verdict(row: Row, table: Table, found: Comparison | None) -> str:
    """The verdict on the primary metric, or on the first column, against the declared reference."""
    if table.against is None:
        return ""
    if row.name == table.against:
        return "reference"
    if found is None:
        return "—"
    if found.verdict == "better" and found.meaningful:
        return "better (> margin)"
    few = "n<5" if found.n < 5 else ""
    return f"{found.verdict} ({few})" if few and found.verdict == "inconclusive" else found.verdict


def judgements(table: Table) -> dict[str, Comparison]:
    """The comparisons that the verdict column prints, by row."""
    metric = headline(table)
    return {one.row: one for one in table.comparisons if one.column == metric}


def headline(table: Table) -> str:
    """The metric that the verdict column is about: the primary one, or the first."""
    metrics = [column.metric for column in table.columns]
    return table.primary if table.primary in metrics or not metrics else metrics[0]


def heading(column: Column) -> str:
    """A metric with its direction and unit."""
    return f"{column.metric} {ARROW[column.better]}" + (f" ({column.unit})" if column.unit else "")


def headings(table: Table) -> list[str]:
    """The head of a table as text."""
    last = [f"{headline(table)} against {table.label(table.against)}"] if table.against else []
    return ["method", *(heading(column) for column in table.columns), "runs", *last]


def to_markdown(table: Table) -> str:
    """GitHub's Markdown, caption first and notes below."""
    head = headings(table)
    body = [f"| {' | '.join(escaped(text) for text in head)} |", f"|{'---|' * len(head)}"]
    for line in lines(table):
        cells = [f"**{cell.value}**" if cell.bold else cell.value for cell in line.cells]
        marked = [
            " ".join(part for part in (text, cell.beside, starless(cell.mark)) if part)
            for text, cell in zip(cells, line.cells, strict=True)
        ]
        last = [line.verdict] if table.against else []
        body.append(f"| {' | '.join([escaped(line.label), *marked, line.ok, *last])} |")
    notes = ["", *(f"- {starless(note)}" for note in table.notes)] if table.notes else []
    return "\n".join([starless(table.caption), "", *body, *notes, ""])


def starless(text: str) -> str:
    """A text whose stars are no Markdown."""
    return text.replace("*", "\\*")


def to_csv(table: Table) -> str:
    """One line for each row and metric, every number to its last digit; no text that a spreadsheet would compute."""
    fields = ("delta", "low", "high", "p", "p_holm", "d_z", "improvement", "sign_flip_p", "sample_low", "sample_high")
    renamed = {"low": "delta_low", "high": "delta_high", "sample_low": "delta_sample_low",
               "sample_high": "delta_sample_high"}  # fmt: skip
    written: list[list[object]] = [
        [
            *("key", "row", "metric", "better", "mean", "low", "high", "n", "runs", "deterministic", "bold", "mark"),
            *("points", "against", *(renamed.get(name, name) for name in fields), "seeds_needed", "verdict", "reason"),
        ]
    ]
    judged = {(one.row, one.column): one for one in table.comparisons}
    for row in table.rows:
        for column in table.columns:
            cell = row.cells[column.metric]
            found = cell.estimate
            beside = judged.get((row.name, column.metric))
            points = json.dumps({str(seed): value for seed, value in found.points.items()})
            numbers = [exact(getattr(beside, name)) if beside else "" for name in fields]
            needed = beside.seeds_needed if beside else None
            texts = [beside.verdict, beside.reason] if beside else ["", ""]
            written.append(
                [
                    *(f"{table.name}.{row.name}.{column.metric}", row.label, column.metric, column.better),
                    *(exact(found.mean), exact(found.low), exact(found.high), len(found.points), row.ok),
                    *(found.deterministic, cell.bold, cell.mark, points, beside.against if beside else ""),
                    *(*numbers, "" if needed is None else needed, *texts),
                ]
            )
    return sheet(written)


def exact(value: float | None) -> str:
    """A number to its last digit; nothing for none."""
    return "" if value is None else repr(value)


def to_html(table: Table) -> str:
    """A fragment whose numbers carry their keys."""
    rows = []
    for line in lines(table):
        cells = []
        for cell in line.cells:
            value = f"<strong>{html.escape(cell.value)}</strong>" if cell.bold else html.escape(cell.value)
            key = f' data-key="{html.escape(cell.key)}"' if cell.key else ""
            beside = html.escape(" ".join(part for part in (cell.beside, cell.mark) if part))
            cells.append(f"<td><span{key}>{value}</span> {beside}</td>")
        last = f"<td>{html.escape(line.verdict)}</td>" if table.against else ""
        rows.append(f'<tr><th scope="row">{html.escape(line.label)}</th>{"".join(cells)}<td>{line.ok}</td>{last}</tr>')
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in headings(table))
    notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in table.notes)
    return (
        f'<table id="table-{table.name}">\n<caption>{html.escape(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n"
        "<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>\n" + (f"<ul>\n{notes}</ul>\n" if notes else "")
    )


def to_latex(table: Table) -> str:
    """booktabs rules; each metric is two siunitx columns joined by ±, so that decimals align and bold stays bold."""
    table = narrowed(table)
    grid = lines(table)
    specs = "".join(latex.columns([line.cells[at] for line in grid]) for at in range(len(table.columns)))
    against = latex.stacked(f"{headline(table)} against", table.label(table.against)) if table.against else ""
    spans = [f"\\multicolumn{{3}}{{c}}{{{latex.stacked(heading(column), align='c')}}}" for column in table.columns]
    head = " & ".join(["method", *spans, "runs", *([against] if against else [])])
    verdict = (latex.stacked if len(table.columns) >= ROOMY else latex.escaped) if against else None
    small = len(table.columns) > ROOMY
    notes = [f"  \\item {latex.escaped(note)}" for note in table.notes]
    return "\n".join(
        [
            "% written by report.py from recorded runs; needs \\usepackage{booktabs} and \\usepackage{siunitx}",
            r"\begin{table}[t]",
            r"\centering",
            *(
                (r"\scriptsize", r"\setlength{\tabcolsep}{2pt}")
                if small
                else (r"\small", r"\setlength{\tabcolsep}{4pt}")
            ),
            r"\sisetup{detect-weight=true, mode=text}",  # or bold numbers would not be bold
            f"\\caption{{{latex.escaped(table.caption)}}}",
            f"\\label{{tab:{table.name}}}",
            f"\\begin{{tabular}}{{l{specs}l{'l' if against else ''}}}",
            r"\toprule",
            f"{head} \\\\",
            r"\midrule",
            *(latex_row(line, verdict) for line in grid),
            r"\bottomrule",
            r"\end{tabular}",
            *([r"\begin{itemize}\footnotesize", *notes, r"\end{itemize}"] if notes else []),
            r"\end{table}",
            "",
        ]
    )


def latex_row(line: Line, verdict: Callable[[str], str] | None) -> str:
    """One method's cells, with its verdict where rows are compared."""
    last = [verdict(line.verdict)] if verdict else []
    method = latex.stacked(line.label) if len(line.label) > LONG else latex.escaped(line.label)
    return " & ".join([method, *map(latex.cell, line.cells), line.ok, *last]) + r" \\"


def narrowed(table: Table) -> Table:
    """A table that fits a page: of one over many tasks, the columns of all tasks together."""
    if table.over is None or len(table.columns) <= WIDEST:
        return table
    tasks = {task.name for task in table.over.tasks}
    note = f"The columns of single tasks stand in {table.name}.csv."
    columns = [column for column in table.columns if column.metric not in tasks]
    return replace(table, columns=columns, notes=[*table.notes, note])
