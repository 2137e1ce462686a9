"""`report/index.html`: one file without network, on which every number opens its receipt.

Everything is embedded, since a reviewer has the repository and no run folders. What came from people (names of classes,
purposes, notes) is text: the template escapes, the data are JSON that no `</script>` can leave.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.report import checklists, costs, figures, gauntlet, numerals, parts, tables
from receipts.report.figures.caption import spans
from receipts.report.figures.figure import Figure
from receipts.report.model import Report, Row, Table
from receipts.report.page import drill, facts, marks
from receipts.runs.files import write_atomically
from receipts.runs.views import counted

if TYPE_CHECKING:
    import jinja2

NAME = "index.html"
HERE = Path(__file__).parent
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def write(report: Report, folder: Path, shown: Sequence[Figure]) -> None:
    """Write the page beside the figures, which must be drawn already."""
    drawn = {figure.name: svg(folder / figures.FOLDER / f"{figure.name}.svg") for figure in shown}
    passed = gauntlet.read(folder)
    write_atomically(folder / NAME, render(report, folder, shown, drawn, passed).encode())


def render(
    report: Report,
    folder: Path,
    shown: Sequence[Figure],
    drawn: dict[str, str],
    passed: gauntlet.Gauntlet | None = None,
) -> str:
    """The page as text; `drawn` maps each figure to its SVG, `passed` is what gauntlet.py found."""
    from markupsafe import Markup

    methods = drill.methods(report)
    return template().render(
        report=report,
        facts=facts.headline(report),
        verdicts=facts.verdicts(report),
        figures=shown,
        drawn={name: Markup(text) for name, text in drawn.items()},
        methods=methods,
        left_out=len(drill.compared(report)) - len(methods),
        grouped=drill.GROUPED,
        slices=parts,
        costs=costs,
        checklists=checklists.answered(report, folder),
        ledger=facts.ledger(report),
        gauntlet=passed,
        trials=gauntlet.ordered(passed) if passed else [],
        outdated=gauntlet.other_runs(passed, report) if passed else [],
        marks=marks,
        printed=tables.printed,
        judgements=tables.judgements,
        decimals=decimals,
        seeds=seeds,
        counted=counted,
        minus=facts.minus,
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup((HERE / "page.js").read_text(encoding="utf-8")),
        data=Markup(embedded(facts.data(report, shown, [*drill.over_tasks(report), *drill.runs(methods)]))),
    )


def template() -> "jinja2.Template":
    """The page's template: what it is given is escaped, and what it is not given is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def decimals(table: Table) -> dict[str, int]:
    """How many decimals each column of a table prints."""
    return {
        column.metric: numerals.of_column(
            row.cells[column.metric].estimate for row in table.rows if column.metric in row.cells
        )
        for column in table.columns
    }


def seeds(row: Row) -> str:
    """The seeds behind a method."""
    return spans(sorted({run.seed for run in row.runs}))


def embedded(values: Any) -> str:
    """JSON that stays inside its `<script>` element, whatever it holds."""
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character, escape in ESCAPED.items():
        text = text.replace(character, escape)
    return text


def svg(path: Path) -> str:
    """A drawn figure for the page: without its XML header, in the page's own ink and type."""
    from receipts.report.figures.style import BEHIND, INK

    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(BEHIND, "var(--card)")
    return text.replace("'DejaVu Sans'", "var(--sans)")
