"""What a table over tasks says in words: how scores were made comparable, which seeds count, how methods rank."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from receipts.report import wording
from receipts.report.families import Ranks
from receipts.report.figures.caption import listed, spans
from receipts.report.model import Column, Receipt, Row
from receipts.report.tasks.scale import DECLARED, Measured
from receipts.runs.views import counted

MARKS = f"{wording.MARKS} Only the score is marked."
UNVARIED = (
    "neither varies with the seed, so nothing says how far their scores may be off; a table of each task compares "
    "them by sample"
)


def caption(said: str, split: str, measured: Sequence[Measured], rows: Sequence[Row]) -> str:
    """What the table shows: the tasks, how a score is made of their values, what varied."""
    tasks = listed(f"{one.task.name} ({metric(one.column)}, {samples(one)})" for one in measured)
    scales: dict[str, list[str]] = {}
    for one in measured:
        scales.setdefault(one.task.ends, []).append(one.task.name)
    ends = "; ".join(f"{words} {f'on {listed(of)}' if len(scales) > 1 else ''}".strip() for words, of in scales.items())
    varied = "Initialisation and order of the data vary with the seed, data and split do not"
    if all(row.deterministic for row in rows):
        varied = "No method here has randomness, so nothing varies"
    parts = [
        said.strip() or f"{counted(len(rows), 'method')} over {counted(len(measured), 'task')}.",
        f"Tasks: {tasks}, {split} split. Score: (value - zero) / (one - zero) on each task, averaged over the tasks "
        f"for each seed; zero and one are {ends}.",
        f"Mean ± half-width of the 95 % interval (Student t over seeds). {varied}.",
        MARKS,
    ]
    return " ".join(parts)


def metric(column: Column) -> str:
    """A task's metric with its unit, as its column names it."""
    return f"{column.metric}, {column.unit}" if column.unit else column.metric


def samples(one: Measured) -> str:
    """A task's data and how many samples were scored."""
    run = one.draft.rows[0].runs[0]
    score = run.score(one.draft.split)
    assert score is not None
    return f"{run.data.name} {run.data.version}".strip() + f", {score.n} samples"


def notes(measured: Sequence[Measured], rows: Sequence[Row]) -> list[str]:
    """Which seeds are left out, what is marked at a task's runs, and what no interval holds."""
    found = []
    for row in rows:
        for one in measured:
            picked = one.sides[row.name].row
            told = wording.of_row(replace(picked, name=row.name), {one.column.metric: one.sides}, [one.column])
            found += [f"{row.label} on {one.task.name}: {text}" for text in told]
    found += [text for row in rows if (text := left_out(row, measured))]
    scales = (f"{one.task.name} {one.task.zero:.4g} and {one.task.one:.4g}" for one in measured)
    found.append(f"Zero and one: {'; '.join(scales)}.")
    found.append("Intervals of the score are over seeds; a table of each task tells the error of its test samples.")
    if any(one.task.ends != DECLARED for one in measured):
        found.append("Zero and one are themselves measured: their error is in no interval of the score.")
    return found


def left_out(row: Row, measured: Sequence[Measured]) -> str:
    """The seeds of a method that only some of its tasks have."""
    has = {one.task.name: set(one.sides[row.name].points) for one in measured if not one.sides[row.name].deterministic}
    whole = set.intersection(*has.values()) if has else set()
    extra = {task: sorted(seeds - whole) for task, seeds in has.items() if seeds - whole}
    if not extra:
        return ""
    told = listed(f"seed {spans(seeds)} of {task}" for task, seeds in extra.items())
    return f"{row.label}: {told} left out of the score, since not every task has them."


def ranking(ranks: Ranks, labels: Sequence[str], tasks: int) -> str:
    """Friedman's test and Wilcoxon's of each pair."""
    pairs = "; ".join(f"{labels[i]} and {labels[j]} p = {p:.2g}" for (i, j), p in ranks.pairs.items())
    return (
        f"Ranks over {tasks} tasks, by mean score: Friedman p = {ranks.p:.2g}; pairwise Wilcoxon, Holm of "
        f"{len(ranks.pairs)}: {pairs}."
    )


def receipt(name: str, method: str, parts: Mapping[str, Receipt]) -> Receipt:
    """What a number over all tasks points to: the runs of each."""
    each = parts.values()

    def by_task(field: str) -> str:
        return "; ".join(f"{task} {getattr(part, field)}" for task, part in parts.items())

    return Receipt(
        tuple(run for part in each for run in part.runs),
        tuple(sorted({seed for part in each for seed in part.seeds})),
        tuple(sorted({commit for part in each for commit in part.commits})),
        by_task("data"),
        by_task("data_version"),
        next(iter(each)).split,
        by_task("split_hash"),
        ", ".join(dict.fromkeys(part.harness for part in each)),
        tuple(text for part in each for text in part.checkpoints),
        {run: checksum for part in each for run, checksum in part.predictions.items()},
        " && ".join(dict.fromkeys(part.command for part in each)),
        f"{method} over {counted(len(parts), 'task')}: " + "; ".join(f"{t}: {part.query}" for t, part in parts.items()),
        name,
    )
