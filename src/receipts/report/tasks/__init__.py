"""Methods over several tasks: each seed's normalised score, averaged over the tasks, then Student's t over the seeds.

With many tasks the interquartile mean (Agarwal et al. 2021) and the mean rank (Demšar 2006) stand beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import default_rng

from receipts.report import contrast, families, numerals, rows, search, wording
from receipts.report.comparing import improvement
from receipts.report.contrast import Contrast, Side, Terms
from receipts.report.draft import Draft
from receipts.report.families import Matrix, Ranks
from receipts.report.intervals import LEAST
from receipts.report.methods import Picked
from receipts.report.model import Cell, Column, Comparison, Estimate, Number, OverTasks, Receipt, Row, Table
from receipts.report.stored import Store
from receipts.report.tasks import scale, words
from receipts.report.tasks.scale import Measured
from receipts.runs.record import Record

MANY = 10  # tasks from which the interquartile mean stands beside the mean
RANKED = 6  # tasks from which ranks are compared: over fewer pairs Wilcoxon's test cannot reach 0.05
SCORE = Column("score", "higher", (None, None), "mean over tasks of (value - zero) / (one - zero)")
IQM = Column("iqm", "higher", (None, None), "mean of the middle half of all normalised scores, by seed and task")
RANK = Column("rank", "lower", (1.0, None), "mean rank over tasks, 1 is best")


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the table and each method's estimate; `named` is what a number of it is called."""

    column: Column
    estimates: Mapping[str, Estimate]
    named: str
    task: str = ""


def table(draft: Draft, marks: Sequence[str], alpha: float, store: Store, everyone: Sequence[Record] = ()) -> Table:
    """The score, what stands beside it, and every task in a column; `everyone` is every recorded run."""
    assert draft.across is not None
    measured = [scale.measure(name, inner, draft) for name, inner in draft.across.tasks.items()]
    scale.refuse_same(draft, measured)
    over = scale.normalised(measured)
    terms = Terms(draft.split, SCORE.metric, draft.across.margin, alpha)
    sides = {row.name: scale.joined(row, measured, over) for row in draft.rows}
    comparisons = compared(draft, sides, measured, terms, store)
    ranks = ranked(over, len(measured))
    shown = [*of_all(sides, over, ranks, terms, store), *(of_task(one, terms, store) for one in measured)]
    bests = rows.best(SCORE, sides, shown[0].estimates, terms, store)
    made = [line(draft, row, shown, bests, comparisons, measured) for row in draft.rows]
    columns = [one.column for one in shown]
    notes = [*marks, *words.notes(measured, made)]
    notes += [words.ranking(ranks, [row.label for row in made], len(measured))] if ranks else []
    notes += wording.notes(draft, made, columns, comparisons, terms)
    notes += dict.fromkeys(note for one in measured for note in search.notes(one.draft, everyone))
    return Table(
        draft.name, words.caption(draft.caption, draft.split, measured, made), draft.split, columns, made, comparisons,
        SCORE.metric, draft.across.margin, notes=notes, against=draft.against, over=over,
        others=[friedman(draft, ranks, made)] if ranks else [],
    )  # fmt: skip


def compared(
    draft: Draft, sides: Mapping[str, Side], measured: Sequence[Measured], terms: Terms, store: Store
) -> list[Comparison]:
    """Every method's score against the reference's, one family; a run improves on another by the mean over tasks."""
    if draft.against is None:
        return []
    found, other = [], sides[draft.against]
    for name, one in sides.items():
        key = f"{draft.name}.{name}.{SCORE.metric}"
        if one.deterministic and other.deterministic and name != draft.against:
            found.append(Contrast(key, one, other, SCORE, None, words.UNVARIED))
        elif name != draft.against:
            found.append(contrast.contrast(key, one, other, SCORE, terms, store, sampled=False))
    return [
        replace(one, improvement=over_tasks(one.row, one.against, measured)) for one in contrast.family(found, terms)
    ]


def over_tasks(row: str, against: str, measured: Sequence[Measured]) -> float | None:
    """The probability that a run of one method beats one of another, averaged over tasks (Agarwal et al. 2021)."""
    pairs = [(one.sides[row], one.sides[against], one.column.better) for one in measured]
    if any(not a.points or not b.points for a, b, _ in pairs):
        return None
    return float(np.mean([improvement(a.values, b.values, 1 if up == "higher" else -1) for a, b, up in pairs]))


def ranked(over: OverTasks, tasks: int) -> Ranks | None:
    """The ranks of three methods and more that all have a score, from six tasks on."""
    if tasks < RANKED or len(over.scores) < 3 or not all(map(len, over.scores.values())):
        return None
    return families.ranks(np.stack([scores.mean(axis=0) for scores in over.scores.values()], axis=1))


def of_all(sides: Mapping[str, Side], over: OverTasks, ranks: Ranks | None, terms: Terms, store: Store) -> list[Shown]:
    """The score of every method and, of many tasks, the interquartile mean and the rank."""
    found = [Shown(SCORE, {name: rows.interval(one, SCORE, terms, store) for name, one in sides.items()}, "score")]
    if len(over.tasks) >= MANY:
        middles = {name: middle(over.scores[name], one.deterministic) for name, one in sides.items()}
        found.append(Shown(IQM, middles, "interquartile mean of the normalised scores"))
    if ranks is not None:
        how = f"mean rank over {len(over.tasks)} tasks"
        means = {name: Estimate(mean, None, None, {}, how) for name, mean in zip(sides, ranks.means, strict=True)}
        found.append(Shown(RANK, means, "rank"))
    return found


def middle(scores: Matrix, deterministic: bool) -> Estimate:
    """The interquartile mean, from five seeds on with an interval, seeds drawn anew within each task."""
    seeds, tasks = scores.shape
    if not seeds:
        return Estimate(None, None, None, {}, "no run")
    mean, how = families.interquartile_mean(scores), f"middle half of {seeds * tasks} scores"
    if deterministic or seeds < LEAST:
        return Estimate(mean, None, None, {}, how, deterministic)
    low, high = families.stratified(scores, default_rng(0))
    return Estimate(mean, low, high, {}, f"{how}, stratified bootstrap of {families.PROFILES}, 95%")


def of_task(one: Measured, terms: Terms, store: Store) -> Shown:
    """A task's own metric in its own unit."""
    column = replace(one.column, metric=one.task.name, unit=words.metric(one.column))
    estimates = {name: rows.interval(side, one.column, terms, store) for name, side in one.sides.items()}
    return Shown(column, estimates, f"{one.column.metric} on task {one.task.name}", one.task.name)


def line(
    draft: Draft, row: Picked, shown: Sequence[Shown], bests: Mapping[str, str], comparisons: Sequence[Comparison],
    measured: Sequence[Measured],
) -> Row:  # fmt: skip
    """A method with its cells and numbers; those of one task point to the runs of that task alone."""
    judged = next((one for one in comparisons if one.row == row.name), None)
    parts = {one.task.name: receipt(draft, row, one) for one in measured}
    whole = words.receipt(f"{draft.name}.{row.name}", row.label, parts)
    cells: dict[str, Cell] = {}
    for one in shown:
        found, is_score = one.estimates[row.name], one.column is SCORE
        numbers = wording.numbers(
            f"{draft.name}.{row.name}.{one.column.metric}", found, judged if is_score else None,
            replace(one.column, metric=one.named), row.label, numerals.of_column(one.estimates.values()),
            parts[one.task] if one.task else whole,
        )  # fmt: skip
        cells[one.column.metric] = rows.cell(found, numbers, bests if is_score else {}, row.name)
    deterministic = shown[0].estimates[row.name].deterministic
    return Row(row.name, row.label, row.runs, row.failed, cells, deterministic)


def receipt(draft: Draft, row: Picked, one: Measured) -> Receipt:
    """What a method's numbers on one task point to."""
    found = rows.receipt_of(one.draft, one.sides[row.name].row)
    return replace(found, name=f"{draft.name}.{row.name}.{one.task.name}")


def friedman(draft: Draft, ranks: Ranks, made: Sequence[Row]) -> Number:
    """Friedman's p, which is of all methods together."""
    parts = {row.label: row.cells[SCORE.metric].numbers[""].receipt for row in made}
    shared = words.receipt(f"{draft.name}.friedman", "all methods", parts)
    return Number(f"{draft.name}.friedman", ranks.p, numerals.probability(ranks.p),
                  f"Friedman's p over the ranks of {len(made)} methods", shared)  # fmt: skip
