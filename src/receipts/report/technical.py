"""The technical report: question, data, methods, results, limitations, reproducibility, each sentence from a record."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from receipts.data.declared import LOST
from receipts.report import checklists, costs, figures, parts, tables
from receipts.report.figures.caption import dataset, listed, sentence
from receipts.report.figures.evidence import arm_of
from receipts.report.model import Comparison, Report, Row, Table
from receipts.runs.files import write_atomically
from receipts.runs.record import Record
from receipts.runs.views import counted, escaped

NAME = "report.md"
HEADLINE = 10  # seeds that a headline claim should rest on
FAILED = 50  # failed runs that are spelt out


def write(report: Report, folder: Path) -> None:
    """Write `report.md`; its pictures are those beside it."""
    write_atomically(folder / NAME, text(report, folder).encode())


def text(report: Report, folder: Path) -> str:
    """The whole report in Markdown; `folder` is where it is written, beside what it names."""
    sections = [
        ("# Technical report", opening(report)),
        ("## Question", question(report)),
        ("## Data", data(report)),
        ("## Methods", methods(report)),
        ("## Results", results(report)),
        ("## Limitations", limitations(report)),
        ("## Reproducibility", reproducibility(report, folder)),
    ]
    return "\n\n".join(part for heading, lines in sections for part in (heading, *lines)) + "\n"


def records(report: Report) -> list[Record]:
    """The runs in the tables, each once, by id."""
    found = {run.run_id: run for table in report.tables for row in table.rows for run in row.runs}
    return [found[name] for name in sorted(found)]


def bullets(lines: Sequence[str]) -> list[str]:
    """A list in Markdown; nothing of no lines."""
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def grid(head: Sequence[str], lines: Sequence[Sequence[object]]) -> list[str]:
    """A table in Markdown; nothing of no lines."""
    if not lines:
        return []
    rows = [[escaped(str(cell)) for cell in line] for line in lines]
    return ["\n".join(f"| {' | '.join(line)} |" for line in [list(head), ["---"] * len(head), *rows])]


def opening(report: Report) -> list[str]:
    """What this is and what must be known first."""
    runs = records(report)
    where = f"{len(runs)} of them in {counted(len(report.tables), 'table')}"
    many = f"{counted(len(report.ledger), 'recorded run')}, {where}"
    return [
        f"Written by `python report.py` from {many}; nobody typed a number. `index.html` shows the same with the "
        "receipt of every number.",
        *bullets([f"**{sentence(finding)}**" for finding in report.findings]),
    ]


def question(report: Report) -> list[str]:
    """What each experiment, and each declared ablation, was asked."""
    purposes = dict.fromkeys((run.conf, run.purpose) for run in records(report) if run.purpose)
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
    for run in records(report):
        if (key := (run.identity.data, run.identity.split)) in seen:
            continue
        seen.add(key)
        word = f" **These data are {run.word}.**" if run.word else ""
        generator = f" They were written by {run.data.generator}." if run.data.generator else ""
        parts.append(
            f"**{dataset(run)}**: {run.data.source}, version {run.data.version}, licence {run.data.licence}, "
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
            if row.runs:
                lines.append([f"{table.name}: {row.label}", *described(row)])
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


def described(row: Row) -> list[str]:
    """The facts of a row's first run, and what differs between its runs."""
    run = row.runs[0]
    took = costs.cost(row.name, row.runs)
    own = [word for word in run.overrides if not word.startswith("seed=")]
    return [
        f"`conf/{run.conf}.yaml`",
        ", ".join(f"`{word}`" for word in own) or "nothing",
        *("unknown" if value is None else f"{value:{how}}" for value, how in sizes_of(took)),
        run.world.precision,
        str(run.world.global_batch or "whole split"),
        run.checkpoint.rule if run.checkpoint else "none",
        listed(sorted({each.world.device for each in row.runs})),
    ]


def sizes_of(took: costs.Cost) -> tuple[tuple[float | None, str], ...]:
    """Parameters, memory in MiB and milliseconds a sample, each with how it is printed."""
    return (took.parameters, ","), (took.peak_mib, ",.0f"), (took.ms_per_sample, ".3g")


def results(report: Report) -> list[str]:
    """Every table with its verdicts in words, then every figure with its caption."""
    shown: list[str] = []
    for table in report.tables:
        shown += [f"### Table {table.name}", tables.to_markdown(table).strip(), *bullets(list(told(table)))]
        for found in table.slices:
            shown.append(f"#### By {parts.heading(found, table)}")
            shown.append("\n".join(parts.grid(found, table)))
        shown += bullets(parts.notes(table)) if table.slices else []
    for figure in figures.make(report):
        shown += [
            f"![{figure.title}]({figures.FOLDER}/{figure.name}.png)",
            f"*{figure.title}.* {figure.caption} Rows: [`{figure.name}.csv`]({figures.FOLDER}/{figure.name}.csv).",
        ]
    return shown or ["There is no table: no run qualifies."]


def told(table: Table) -> Iterator[str]:
    """The verdicts of a table, a sentence each."""
    for found in table.comparisons:
        words = {"better": "better than", "worse": "worse than", "equivalent": "equivalent to"}
        relation = words.get(found.verdict, "not told apart from")
        expected = f" {sentence(found.surprise)}" if found.expected else ""
        yield (
            f"On {found.column}, {table.label(found.row)} is {relation} "
            f"{table.label(found.against)} (**{found.verdict}**): {found.reason}.{expected}"
            f"{consequence(found, table)}"
        )


def consequence(found: Comparison, table: Table) -> str:
    """What the experiment's file says to do where nothing shows."""
    arm = arm_of(table, found.row)
    if arm is None or not arm.if_null or found.verdict in ("better", "worse"):
        return ""
    return f" Declared for this case: {arm.if_null}"


def limitations(report: Report) -> list[str]:
    """What the records themselves say against the numbers."""
    runs = records(report)
    lines = [*few_seeds(report), *narrow_questions(report, runs)]
    failed = [(row.label, table.name, row.ok) for table in report.tables for row in table.rows if row.failed]
    lines += [
        f"{label} in {name}: {ok}; the runs that failed or were left out are listed below."
        for label, name, ok in failed
    ]
    lines += [f"Table {table.name}: {note}" for table in report.tables for note in table.notes if is_against(note)]
    unseen = Counter(check.code for run in runs for check in run.checks if check.verdict == "not run")
    lines += [
        f"Check `{code}` was not run in {count} of {counted(len(runs), 'run')}."
        for code, count in sorted(unseen.items())
    ]
    accepted = Counter((c.code, c.evidence) for run in runs for c in run.checks if c.verdict == "waived")
    lines += [
        f"Check `{code}` was waived in {count} of {counted(len(runs), 'run')}: {why}."
        for (code, why), count in sorted(accepted.items())
    ]
    unknown = Counter(name for run in runs for name in run.undeclared)
    lines += [
        f"`{name}` is not declared in {count} of {counted(len(runs), 'run')}, so it stays open {LOST.get(name, '')}."
        for name, count in sorted(unknown.items())
    ]
    return bullets(lines) or ["The records name none."]


def is_against(note: str) -> bool:
    """Whether a table's note limits what it shows: a mark in capitals, or the smallest effect it could have seen."""
    first = note.partition(" ")[0]
    return note.startswith("Smallest") or (len(first) > 2 and first.isupper())


def few_seeds(report: Report) -> Iterator[str]:
    """Rows that rest on fewer seeds than a headline claim should."""
    for table in report.tables:
        few = [row for row in table.rows if row.runs and not row.deterministic and len(row.runs) < HEADLINE]
        if few:
            told = listed(f"{row.label} ({len(row.runs)})" for row in few)
            yield f"Table {table.name}: fewer than {HEADLINE} seeds, the least for a headline, behind {told}."


def narrow_questions(report: Report, runs: Sequence[Record]) -> Iterator[str]:
    """One dataset, one kind of device, a test split that was opened."""
    names = sorted({dataset(run) for run in runs})
    if len(names) == 1:
        yield f"All numbers are of one dataset, `{names[0]}`; nothing here says how they carry over to another."
    if words := sorted({run.word for run in runs if run.word}):
        yield f"Some data are {listed(words)}."
    yield f"The sealed test split was opened {counted(report.openings, 'time')} by the recorded runs."


def reproducibility(report: Report, folder: Path) -> list[str]:
    """Code, environment, cost, every command, every run that is in no table."""
    runs = records(report)
    return [
        "### Code and environment",
        *grid(("", ""), list(environment(runs))),
        "### Cost",
        *cost(report),
        "### Checklists",
        *standing(report, folder),
        "### Checks",
        *checks(runs),
        "### Commands",
        *commands(report),
        "### Runs in no table",
        *left_out(report),
    ]


def environment(runs: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """What the runs share, or all values where they do not."""
    facts = {
        "commit": {run.code.commit for run in runs},
        "core": {f"{run.code.core.version} ({run.code.core.sha256[:12]})" for run in runs},
        "harness": {run.code.harness for run in runs},
        "lock file": {run.identity.lock for run in runs},
        "deterministic kernels": {str(run.world.deterministic) for run in runs},
        "threads": {str(run.world.threads) for run in runs},
    }
    for name, values in facts.items():
        yield name, ", ".join(f"`{value}`" for value in sorted(values))


def cost(report: Report) -> list[str]:
    """What each experiment and all recorded runs took, those that failed included; what open plans will take."""
    told = [note.removeprefix("- ") for note in costs.notes(costs.whole(report), None)]
    return [
        *grid(costs.HEAD, [costs.line(one, None) for one in costs.lines(report)]),
        *bullets([*told, *costs.forecasts(report)]),
    ]


def standing(report: Report, folder: Path) -> list[str]:
    """How far the checklists are answered, and what the records answer with No."""
    lines = []
    for one in checklists.answered(report, folder):
        lines.append(f"[{one.title}](checklists/{one.name}.md): {one.standing}.")
        lines += [f"{one.title}, {item.key} {item.title}: **No**. {item.text}" for item in one.refuted]
    return bullets(lines)


def checks(runs: Sequence[Record]) -> list[str]:
    """How often each check passed and failed."""
    verdicts: dict[str, Counter[str]] = {}
    for run in runs:
        for check in run.checks:
            verdicts.setdefault(check.code, Counter())[check.verdict] += 1
    lines = [
        (f"`{code}`", *(counts[verdict] for verdict in ("pass", "fail", "waived", "not run", "not applicable")))
        for code, counts in sorted(verdicts.items())
    ]
    return grid(("check", "pass", "fail", "waived", "not run", "not applicable"), lines) or ["None is recorded."]


def commands(report: Report) -> list[str]:
    """What makes each row again, then what checks it."""
    makes: dict[str, list[str]] = {}
    for receipt in {number.receipt.name: number.receipt for number in report.numbers.values()}.values():
        makes.setdefault(receipt.command, []).append(receipt.name)
    lines = [f"# {', '.join(names)}\n{command}" for command, names in makes.items()]
    last = ["python report.py", "python report.py check=true"]
    return ["Check out the commit, `make env data`, then:", "```sh\n" + "\n".join([*lines, *last]) + "\n```"]


def left_out(report: Report) -> list[str]:
    """Runs that are in no table, each with its reason."""
    found = [entry for entry in report.ledger if not entry.used_in]
    more = f"{len(found) - FAILED} more are in the ledger of `index.html`." if len(found) > FAILED else ""
    lines = [(f"`{entry.run_id}`", entry.state, entry.reason) for entry in found[:FAILED]]
    return [*(grid(("run", "state", "why"), lines) or ["Every recorded run is in a table."]), *([more] if more else [])]
