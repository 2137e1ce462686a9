"""The technical report: question, data, methods, results, limitations, reproducibility, each sentence from a record."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from receipts.report import costs, figures, parts, tables
from receipts.report.figures.caption import listed, sentence
from receipts.report.figures.evidence import arm_of
from receipts.report.figures.figure import Figure
from receipts.report.model import Comparison, Report, Row, Table
from receipts.report.technical import again, limits
from receipts.report.technical.markdown import bullets, grid
from receipts.runs.files import write_atomically
from receipts.runs.record import Record
from receipts.runs.views import counted

NAME = "report.md"


def write(report: Report, folder: Path, shown: Sequence[Figure]) -> None:
    """Write `report.md`; its pictures are those beside it."""
    write_atomically(folder / NAME, text(report, folder, shown).encode())


def text(report: Report, folder: Path, shown: Sequence[Figure]) -> str:
    """The whole report in Markdown; `folder` is where it is written, beside what it names."""
    sections = [
        ("# Technical report", opening(report)),
        ("## Question", question(report)),
        ("## Data", data(report)),
        ("## Methods", methods(report)),
        ("## Results", results(report, shown)),
        ("## Limitations", limits.limitations(report, folder)),
        ("## Reproducibility", again.reproducibility(report, folder)),
    ]
    return "\n\n".join(part for heading, lines in sections for part in (heading, *lines)) + "\n"


def opening(report: Report) -> list[str]:
    """What this is and what must be known first."""
    runs = report.runs
    where = f"{len(runs)} of them in {counted(len(report.tables), 'table')}"
    many = f"{counted(len(report.ledger), 'recorded run')}, {where}"
    return [
        f"Written by `python report.py` from {many}; nobody typed a number. `index.html` shows the same with the "
        "receipt of every number.",
        *bullets([f"**{sentence(finding)}**" for finding in report.findings]),
    ]


def question(report: Report) -> list[str]:
    """What each experiment, and each declared ablation, was asked."""
    purposes = dict.fromkeys((run.conf, run.purpose) for run in report.runs if run.purpose)
    lines = [f"`{conf}`: {purpose}" for conf, purpose in purposes]
    for table in report.tables:
        for arm in table.plan.arms if table.plan else ():
            if arm.hypothesis:
                expected = f" Expected beforehand: {arm.expect}." if arm.expect else ""
                lines.append(f"`{arm.name}` of `{arm.conf}`: {arm.hypothesis}{expected}")
    return bullets(lines) or ["No experiment states a purpose."]


def data(report: Report) -> list[str]:
    """Where the data come from, which bytes they are, how they are divided."""
    parts: list[str] = []
    seen = set()
    for run in report.runs:
        if (key := (run.identity.data, run.identity.split)) in seen:
            continue
        seen.add(key)
        word = f" **These data are {run.word}.**" if run.word else ""
        generator = f" They were written by {run.data.generator}." if run.data.generator else ""
        parts.append(
            f"**{run.data.name}**: {run.data.source}, version {run.data.version}, licence {run.data.licence}, "
            f"{run.data.kind}.{word}{generator} Split by the committed manifest `{run.data.manifest}`; "
            f"{sizes(run)}. Primary metric: {run.primary or 'none'}"
            + (f", smallest difference worth a sentence {run.margin:g}." if run.margin else ".")
        )
        parts += grid(("file", "checksum"), [(f"`{name}`", f"`{sum_}`") for name, sum_ in run.data.files.items()])
    return parts or ["No run is in a table."]


def sizes(run: Record) -> str:
    """How many samples were scored on each split."""
    found = {score.split: score.n for score in run.scores}
    return listed(f"{n} samples in {split}" for split, n in found.items()) or "nothing was scored"


def methods(report: Report) -> list[str]:
    """What was fitted, and on what."""
    lines = []
    for table in report.tables:
        for row in table.rows:
            lines += [[f"{table.name}: {name}", *described(runs)] for name, runs in parts_of(row, table)]
    head = (
        "method",
        "experiment",
        "differs in",
        "parameters",
        "memory MiB",
        "ms a sample",
        "precision",
        "batch",
        "weights",
        "device",
    )
    return grid(head, lines) or ["No method has a run."]


def parts_of(row: Row, table: Table) -> list[tuple[str, Sequence[Record]]]:
    """A method's runs, those of each task apart where it has several."""
    if table.over is None:
        return [(row.label, row.runs)] if row.runs else []
    return [(f"{row.label} on {task.name}", task.runs[row.name]) for task in table.over.tasks]


def described(runs: Sequence[Record]) -> list[str]:
    """The facts of a method's first run, and what differs between its runs."""
    run = runs[0]
    took = costs.cost(run.conf, runs)
    own = [word for word in run.overrides if not word.startswith("seed=")]
    return [
        f"`conf/{run.conf}.yaml`",
        ", ".join(f"`{word}`" for word in own) or "nothing",
        *("unknown" if value is None else f"{value:{how}}" for value, how in sizes_of(took)),
        run.world.precision,
        str(run.world.global_batch or "whole split"),
        run.checkpoint.rule if run.checkpoint else "none",
        listed(sorted({each.world.device for each in runs})),
    ]


def sizes_of(took: costs.Cost) -> tuple[tuple[float | None, str], ...]:
    """Parameters, memory in MiB and milliseconds a sample, each with how it is printed."""
    return (took.parameters, ","), (took.peak_mib, ",.0f"), (took.ms_per_sample, ".3g")


def results(report: Report, shown: Sequence[Figure]) -> list[str]:
    """Every table with its verdicts in words, then every figure with its caption."""
    lines: list[str] = []
    for table in report.tables:
        lines += [f"### Table {table.name}", tables.to_markdown(table).strip(), *bullets(list(told(table)))]
        for found in table.slices:
            lines.append(f"#### By {parts.heading(found, table)}")
            lines.append("\n".join(parts.grid(found, table)))
        lines += bullets(parts.notes(table)) if table.slices else []
    for figure in shown:
        lines += [
            f"![{figure.title}]({figures.FOLDER}/{figure.name}.png)",
            f"*{figure.title}.* {figure.caption} Rows: [`{figure.name}.csv`]({figures.FOLDER}/{figure.name}.csv).",
        ]
    return lines or ["There is no table: no run qualifies."]


def told(table: Table) -> Iterator[str]:
    """The verdicts of a table, a sentence each; the reasons of the headline's stand in the notes above."""
    labels = {row.name: row.label for row in table.rows}
    for found in table.comparisons:
        words = {"better": "better than", "worse": "worse than", "equivalent": "equivalent to"}
        relation = words.get(found.verdict, "not told apart from")
        expected = f" {sentence(found.surprise)}" if found.expected else ""
        reason = "" if found.column == tables.headline(table) else f": {found.reason}"
        yield (
            f"On {found.column}, {labels.get(found.row, found.row)} is {relation} "
            f"{labels.get(found.against, found.against)} (**{found.verdict}**){reason}.{expected}"
            f"{consequence(found, table)}"
        )


def consequence(found: Comparison, table: Table) -> str:
    """What the experiment's file says to do where nothing shows."""
    arm = arm_of(table, found.row)
    if arm is None or not arm.if_null or found.verdict in ("better", "worse"):
        return ""
    return f" Declared for this case: {arm.if_null}"
