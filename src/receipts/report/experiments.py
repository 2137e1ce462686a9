"""EXPERIMENTS.md: one row for every method that was ever run, between two markers; all else in the file is a person's.

A row keeps its place and its note: it is named by the first run of its method, and a note follows that run, or, where
all runs were made again, the experiment.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.report import methods, numerals, tables
from receipts.report.intervals import LEAST, within
from receipts.report.model import Comparison, Entry, Report
from receipts.runs import reviews
from receipts.runs.figures import decimals
from receipts.runs.record import Record
from receipts.runs.views import escaped

PATH = Path("EXPERIMENTS.md")
BEGIN, END = "<!-- receipts:begin -->", "<!-- receipts:end -->"
HEAD = "| run_id | config | data version | commit | seeds | metric ± interval | verdict | notes |"
RULE = "|---|---|---|---|---|---|---|---|"
START = f"# Experiments\n\n{BEGIN}\n{END}\n"
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Noted:
    """A row that a person wrote a note in: the note and the whole line, which stays where its runs are gone."""

    note: str
    line: str
    config: str


def read(path: Path) -> str:
    """The file as it is; a new one where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return START
    except UnicodeDecodeError as error:
        raise Refusal(f"{path} is not UTF-8", str(error), f"save {path} as UTF-8") from error


def updated(report: Report, text: str) -> str:
    """The file with its rows written anew; refused without exactly one pair of markers."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise Refusal(
            f"{PATH} has no place for the report's rows",
            f"it needs the lines {BEGIN} and {END}, once each and in this order",
            "put them back where the table was (git diff EXPERIMENTS.md shows what went)",
        )
    before, rest = text.split(BEGIN)
    inside, after = rest.split(END)
    return f"{before}{BEGIN}\n" + "\n".join([HEAD, RULE, *rows(report, noted(inside))]) + f"\n{END}{after}"


def noted(inside: str) -> dict[str, Noted]:
    """Notes by the run id of their row."""
    found = {}
    for line in inside.splitlines():
        cells = [cell.strip() for cell in CELL.split(line)[1:-1]]
        if len(cells) != 8 or cells[7] in ("", "notes", "---"):
            continue
        name = re.search(r"`([^`]+)`", cells[0])
        found[name[1] if name else cells[0]] = Noted(cells[7], line, cells[1])
    return found


def rows(report: Report, notes: Mapping[str, Noted]) -> list[str]:
    """All rows, in the order of their first runs."""
    groups: defaultdict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for entry in report.ledger:
        if entry.record is not None:
            groups[(methods.label(entry.record), methods.version(entry.record))].append(entry)
    left = dict(notes)
    verdicts = verdicts_of(report)
    made = {members[0].run_id: members for members in groups.values()}
    own = {run_id: left.pop(run_id).note for run_id in made if run_id in left}
    lines = {}
    for run_id in sorted(made, reverse=True):  # the newest row of an experiment inherits the note of one that is gone
        members = made[run_id]
        heir = next((name for name, old in left.items() if old.config == config(members[0])), None)
        note = own.get(run_id) or (left.pop(heir).note if heir else "")
        lines[run_id] = line(members, verdicts, note)
    orphans = {run_id: old.line for run_id, old in left.items()}
    broken = {e.run_id: f"| `{escaped(e.run_id)}` | | | | | {escaped(e.reason)} | {e.state} | |"
              for e in report.ledger if e.record is None and e.run_id not in orphans}  # fmt: skip
    return [text for _, text in sorted((lines | orphans | broken).items())]


def verdicts_of(report: Report) -> dict[str, tuple[str, Comparison]]:
    """The verdict on every run's method, by run id, on the primary metric of the first table that has one."""
    found: dict[str, tuple[str, Comparison]] = {}
    for table in report.tables:
        if table.over is not None:  # its verdicts are about no single run's task
            continue
        judged = tables.judgements(table)
        for row in table.rows:
            if (one := judged.get(row.name)) is not None:
                for run in row.runs:
                    found.setdefault(run.run_id, (table.name, one))
    return found


def config(entry: Entry) -> str:
    """An experiment and what differs from its file."""
    record = entry.record
    assert record is not None
    limits = [f"limit.{name}={cap}" for name, cap in record.limit.items()]
    return escaped(" ".join([methods.shown(methods.label(record)), *limits]))


def line(members: Sequence[Entry], verdicts: Mapping[str, tuple[str, Comparison]], note: str) -> str:
    """One method as a row."""
    first = members[0]
    record = first.record
    assert record is not None
    runs = [entry.record for entry in members if entry.record is not None]
    seeds = "det." if record.deterministic else ", ".join(str(seed) for seed in sorted({run.seed for run in runs}))
    dirty = "+dirty" if record.code.dirty else ""
    cells = [
        f"[`{first.run_id}`]({RUNS}/{first.run_id}/README.md)",
        config(first),
        escaped(f"{record.data.name} {record.data.version}".strip()),
        f"{record.code.commit[:8]}{dirty}",
        seeds,
        escaped(metric(runs)),
        escaped(verdict(members, verdicts)),
        note,
    ]
    return f"| {' | '.join(cells)} |"


def metric(runs: Sequence[Record]) -> str:
    """The primary number of a method, on test where any run has that, and how many of its runs came to a score."""
    done = [run for run in runs if run.status == "completed"]
    split = "test" if any(run.score("test") for run in done) else "val"
    points: dict[str, float] = {}
    bounds: tuple[float | None, float | None] = (None, None)
    for run in done:
        score = run.score(split)
        found = score.metrics.get(run.primary or next(iter(score.metrics), "")) if score else None
        if found is not None and found.value is not None:
            points.setdefault(run.identity.id, found.value)
            bounds = found.range
    if not points:
        return "—"
    ok = f" ({len(points)}/{len(runs)} ok)" if len(points) < len(runs) else ""
    return f"{split} {runs[0].primary or ''} {value(list(points.values()), bounds, runs[0].deterministic)}{ok}"


def value(points: Sequence[float], bounds: tuple[float | None, float | None], deterministic: bool) -> str:
    """A mean and its interval, as in the tables."""
    import numpy as np

    mean = sum(points) / len(points)
    if deterministic or len(points) < LEAST:
        return f"{numerals.fixed(mean, 4)} {'det.' if deterministic else f'n={len(points)}'}"
    low, high, _ = within(np.array(points), bounds)
    places = decimals((high - low) / 2)
    return f"{numerals.fixed(mean, places)} ± {numerals.fixed((high - low) / 2, places)}"


def verdict(members: Sequence[Entry], verdicts: Mapping[str, tuple[str, Comparison]]) -> str:
    """What a table says of a method, or why it is in none; then who looked at its runs."""
    looked = reviews.told(entry.run_id for entry in members)
    return "; ".join(part for part in (judged(members, verdicts), looked) if part)


def judged(members: Sequence[Entry], verdicts: Mapping[str, tuple[str, Comparison]]) -> str:
    """What a table says of a method, or why it is in none."""
    for entry in members:
        if entry.run_id in verdicts:
            table, one = verdicts[entry.run_id]
            return f"{one.verdict} (against {one.labels[1] or one.against}, {table})"
    used = [name for entry in members for name in entry.used_in]
    if used:
        return f"in {used[0].partition('.')[0]}"
    return "; ".join(dict.fromkeys(entry.reason.partition("\n")[0] for entry in members if entry.reason))
