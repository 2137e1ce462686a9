"""What people read of a run: README.md, metrics.json, a few lines on the screen. All are views of the record."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from receipts.config.project import RUNS
from receipts.refusal import CHECK_FAILED, DONE, visible
from receipts.runs import comparison, figures, known
from receipts.runs.files import write_atomically
from receipts.runs.known import Known
from receipts.runs.log import say
from receipts.runs.process import state
from receipts.runs.record import Check, Metric, Record, Score, World

CSV_ROWS = 10_000
METRICS = "metrics.json"
DRILL_DOWN = (
    "- `groups/_index.csv`: every group of samples, worst first; each of the worst ones has a folder with its metrics, "
    "predictions and entities (`groups/README.md`)",
    "- `diagnostics/<split>/`: `outliers.csv` (far off, or wrong with confidence), `value_ranges.csv`, "
    "`actual_predicted.csv`",
)
ARROW = {"higher": "↑", "lower": "↓"}
BREAKS = re.compile(r"[\r\n]+")


def write(folder: Path, record: Record) -> None:
    """Bring the views of a run up to date; metrics.json comes last, so that it tells whether the others are there."""
    if (classes := figures.per_class_csv(record)) is not None:
        write_atomically(folder / "per_class.csv", classes.encode())
    write_atomically(folder / "README.md", readme(record, known.recorded(folder.parent)).encode())
    write_atomically(folder / METRICS, metrics(record))


def are_current(record: Record) -> bool:
    """Whether the views are those of this record; a process that was killed may have left them behind it."""
    path = RUNS / record.run_id / METRICS
    return path.is_file() and path.read_bytes() == metrics(record)


def metrics(record: Record) -> bytes:
    """What stands in metrics.json: the status, and the latest numbers of every split."""
    numbers = {s.split: {name: m.value for name, m in s.metrics.items()} for s in record.scores}
    facts: dict[str, object] = {"run_id": record.run_id, "status": record.status, "reportable": record.reportable}
    facts |= {"data": record.word} if record.word else {}
    facts["metrics"] = numbers
    return (json.dumps(facts, indent=1) + "\n").encode()


def show(record: Record, primary: str) -> int:
    """A finished run in a few lines, and what to do next; returns the exit code that its checks call for."""
    blocked = "" if record.reportable else f"  not reportable: {'; '.join(record.blocked_by)}"
    say(f"run {record.run_id}  {state(record)}{blocked}")
    for split in dict.fromkeys(score.split for score in record.scores):
        score = record.score(split)
        assert score is not None
        say(f"  {split:<5} {line(score, primary, record.word)}      ({score.n} samples)")
        if note := figures.precision_note(record, score):
            say(f"  note  {note}")
    for check in record.failing:
        say(f"  CHECK FAILED  {check.code}: {check.evidence}")
        if check.cure:
            say(f"    cure  {check.cure}      (if it is wrong: waive: {{{check.code}: the reason}}, and rerun=true)")
    opened = any(score.split == "test" for score in record.scores)
    say(f"  next  {f'less {RUNS / record.run_id}/README.md' if opened else f'python eval.py run_id={record.run_id}'}")
    return CHECK_FAILED if record.failing else DONE


def line(score: Score, primary: str, word: str) -> str:
    """The primary metric first, then the others."""
    names = [primary, *(name for name in score.metrics if name != primary)]
    return "  ".join(f"{name} {number(score.metrics[name], word)}" for name in names if name in score.metrics)


def number(metric: Metric, word: str) -> str:
    """A value with four decimals, or the word for none; then what kind of data it is of, if they are not real."""
    return f"{'undefined' if metric.value is None else f'{metric.value:.4f}'} {word}".rstrip()


def readme(record: Record, others: Sequence[Known] = ()) -> str:
    """The run's README: what was asked, of what, by which method, the answer, and how to read it.

    `others` are the recorded runs that it is compared with, as far as they are comparable.
    """
    parts = [
        f"# {record.run_id}",
        f"**{record.purpose or 'No purpose was stated.'}**",
        verdict(record),
        "## What ran",
        table(what_ran(record)),
        "## Numbers",
        *([numbers(record)] if record.scores else ["Nothing was scored."]),
        *notes(record),
        *section("## Beside other runs", comparison.table(record, others)),
        *section("## Class by class", classes(record)),
        "## Checks",
        table([(check.code, told(check)) for check in record.checks]) or "None were run.",
        "## Where to look next",
        where(record),
    ]
    return visible("\n\n".join(parts)) + "\n"


def told(check: Check) -> str:
    """A verdict, what it rests on, where more of it lies, and what cures a failure."""
    file = f" (`{check.file}`)" if check.file else ""
    return f"{check.verdict}: {check.evidence}{file}" + (f" **Cure:** {check.cure}." if check.cure else "")


def section(heading: str, text: str) -> list[str]:
    """A heading and its text; nothing where there is no text."""
    return [heading, text] if text else []


def notes(record: Record) -> list[str]:
    """How far the primary metric's interval reaches, and whose metrics are not the harness's."""
    latest = [score for split in dict.fromkeys(s.split for s in record.scores) if (score := record.score(split))]
    found = [note for score in latest if (note := figures.precision_note(record, score))]
    own = {name: checksum for score in latest for name, checksum in score.own.items()}
    lines = [f"- {note}." for note in found]
    lines += ["- Intervals are of one model over the samples of a split; seeds come on top."] if found else []
    lines += [f"- `{name}` is the researcher's own metric, source `{checksum[:12]}`." for name, checksum in own.items()]
    return ["\n".join(lines)] if lines else []


def classes(record: Record) -> str:
    """The figures of every class, for the last split that was scored."""
    score = record.score(record.scores[-1].split) if record.scores else None
    return figures.per_class_table(score) if score and score.confusion else ""


def verdict(record: Record) -> str:
    """One sentence on what the numbers are good for."""
    if record.failure:
        cure = f"; what helps: {record.failure.fix}" if record.failure.fix else ""
        return f"This run **failed**: {record.failure.reason}{cure}"
    if record.reportable and record.word:
        return f"This run is complete; its numbers may be reported, each with the word {record.word}."
    if record.reportable:
        return "This run is complete; its numbers may be reported."
    return f"This run is {state(record)} and **not reportable**: {'; '.join(record.blocked_by) or 'it has not ended'}."


def what_ran(record: Record) -> list[tuple[str, str]]:
    """The facts a stranger asks for first."""
    world, checkpoint, cost = record.world, record.checkpoint, record.cost
    size = f", {cost.parameters:,} parameters" if cost and cost.parameters else ""
    epoch = f", epoch {checkpoint.epoch}" if checkpoint and checkpoint.epoch else ""
    patch = ", with uncommitted changes (`code.patch`)" if record.code.dirty else ""
    patch += ", which no longer applies: secrets were removed from it" if "code.patch" in record.removed else ""
    rows = [
        ("experiment", f"`conf/{record.conf}.yaml`, preset {'+'.join(record.preset)}, seed {record.seed}"),
        ("differs from that file", ", ".join(f"`{item}`" for item in record.overrides) or "in nothing"),
        ("data", f"{record.data.source}, version {record.data.version}, {record.data.kind}, {record.data.licence}"),
        ("data written by", record.data.generator or ""),
        ("split", f"`{record.data.manifest}`"),
        ("first weights", f"those of `{record.parent}`" if record.parent else ""),
        ("training ended early", record.stopped or ""),
        ("interrupted", interruptions(record)),
        ("method", f"on {world.device}, {counted(world.threads, 'thread')}, {world.precision}{size}"),
        ("batch", batch(world)),
        ("weights", f"`{checkpoint.file}` ({checkpoint.rule}{epoch})" if checkpoint else "none"),
        ("code", f"commit `{record.code.commit[:12]}`{patch}"),
        ("cost", f"{cost.wall_s:.1f} s, at most {cost.peak_mib:,.0f} MiB" if cost else "unknown"),
        ("test opened", counted(sum(o.split == "test" for o in record.openings), "time")),
        ("command", f"`{record.command}`"),
    ]
    return [(name, text) for name, text in rows if text]


def interruptions(record: Record) -> str:
    """How often a run was taken up again, and at which training steps; nothing where it never was."""
    later = record.lives[1:]
    steps = ", ".join(str(life.step) for life in later)
    return f"{counted(len(later), 'time')}; it went on from training step {steps}" if later else ""


def batch(world: World) -> str:
    """What an optimizer step learns from, who shares it, and the learning rate that belongs to it."""
    if world.global_batch is None:
        return ""
    nodes = f" on {world.nodes} nodes" if world.nodes > 1 else ""
    rates = ", ".join(f"{rate:g}" for rate in dict.fromkeys(world.learning_rates))
    begun = f", at a learning rate of {rates} to begin with" if rates else ""
    return f"{world.global_batch} samples a step over {counted(world.processes, 'process', 'es')}{nodes}{begun}"


def numbers(record: Record) -> str:
    """Every metric of every split, with its direction and meaning."""
    splits = list(dict.fromkeys(score.split for score in record.scores))
    latest = {split: score for split in splits if (score := record.score(split))}
    meanings = {name: metric for score in latest.values() for name, metric in score.metrics.items()}
    head = f"| metric | {' | '.join(f'{split} (n={latest[split].n})' for split in splits)} | what it means |"
    rows = [
        " | ".join(
            [
                f"| {escaped(name)} {ARROW[metric.better]}",
                *(cell(latest[split], name, record.word) for split in splits),
                escaped(metric.definition),
            ]
        )
        + " |"
        for name, metric in meanings.items()
    ]
    return "\n".join([head, f"|{'---|' * (len(splits) + 2)}", *rows, "", "↑ higher is better, ↓ lower is better."])


def cell(score: Score, name: str, word: str) -> str:
    """One number of one split."""
    metric = score.metrics.get(name)
    if metric is None:
        return ""
    return number(metric, word) if metric.undefined is None else f"undefined: {escaped(metric.undefined)}"


def where(record: Record) -> str:
    """The files of the run folder, in the order in which one looks at them."""
    most = max((score.n for score in record.scores), default=0)
    shown = f"the first {CSV_ROWS:,} of {most:,}" if most > CSV_ROWS else "every one"
    lines = [
        f"- `predictions/*.csv`: the worst predictions first, {shown}; `predictions/*.parquet` holds all of them",
        *(DRILL_DOWN if record.scores else []),
        "- `history.csv`, `train.log`: how training went",
        *(["- `per_class.csv`: precision, recall, F1 and support of every class"] if classes(record) else []),
        "- `config.yaml`, `environment.json`, `record.json`: everything needed to make these numbers again",
    ]
    if not any(score.split == "test" for score in record.scores):
        lines.insert(0, f"- `python eval.py run_id={record.run_id}` scores the test split, once")
    return "\n".join(lines)


def table(rows: list[tuple[str, str]]) -> str:
    """Two columns of Markdown; nothing of no rows."""
    return (
        "\n".join(["| | |", "|---|---|", *(f"| {escaped(name)} | {escaped(text)} |" for name, text in rows)])
        if rows
        else ""
    )


def counted(number: int, noun: str, plural: str = "s") -> str:
    """`1 run`, `2 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def escaped(text: str) -> str:
    """Text that cannot end a cell of a Markdown table nor begin a comment, and that a terminal can be shown.

    Strokes before a bar are doubled, or the last of them would be taken for the one that keeps the bar from ending it.
    """
    kept = re.sub(r"(\\*)\|", r"\1\1\\|", text.replace("<!--", "&lt;!--"))
    return visible(BREAKS.sub(" ", kept))
