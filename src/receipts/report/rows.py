"""What the runs of a row come to: columns, values by seed, means with intervals, the best of a column, a receipt."""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from statistics import fmean

from numpy.random import default_rng

from receipts.config.reporting import PATH, wrong
from receipts.refusal import Refusal, nearest
from receipts.report import contrast, lock, wording
from receipts.report.contrast import Side, Terms
from receipts.report.draft import Draft
from receipts.report.intervals import estimate, folds
from receipts.report.methods import Picked
from receipts.report.model import Cell, Column, Estimate, Number, Receipt
from receipts.report.stored import Store
from receipts.runs.record import Record

MARKS = {"worse": "*", "equivalent": "≈", "inconclusive": "?"}

Sides = Mapping[str, Mapping[str, Side]]  # column, row


def first_metric(record: Record, split: str) -> str:
    """The metric that stands first in a record without a primary one."""
    score = record.score(split)
    assert score is not None
    return next(iter(score.metrics))


def column(name: str, draft: Draft) -> Column:
    """A metric of a table; refused where not one of its runs has it."""
    known: list[str] = []
    for _, _, score in lock.runs(draft):
        if name in score.metrics:
            found = score.metrics[name]
            return Column(name, found.better, found.range, found.definition, wording.unit(found.definition))
        known += [metric for metric in score.metrics if metric not in known]
    raise wrong(
        f"tables.{draft.name}.columns names {name!r}, and no run of it has that metric{nearest(name, known)}",
        f"its runs have {', '.join(known)}",
        f"correct the name in {PATH}",
    )


def side(row: Picked, metric: str, split: str) -> Side:
    """A row's values of one metric, of a fold the mean over its seeds; a run whose score lacks it, or has it undefined,
    gives no point.
    """
    runs = {row.folds.get(run.run_id, run.seed): run for run in row.runs}
    values: defaultdict[int, list[float]] = defaultdict(list)
    for run in row.runs if row.folds else runs.values():
        score = run.score(split)
        found = score.metrics.get(metric) if score else None
        if found is not None and found.value is not None:
            values[row.folds.get(run.run_id, run.seed)].append(found.value)
    points = {number: fmean(each) for number, each in values.items()}
    return Side(row, runs, points, bool(row.runs) and all(run.deterministic for run in row.runs))


def interval(found: Side, one: Column, terms: Terms, store: Store) -> Estimate:
    """The mean of a row and its interval, by seeds or by folds."""
    made = estimate(
        found.points, one.range, partial(default_rng, 0), deterministic=found.deterministic and not terms.folds
    )
    if not terms.folds or len(found.points) < 2:
        return made
    try:
        low, high, _ = folds(list(found.points.values()), contrast.held_out(found, terms, store))
    except Refusal as problem:
        return Estimate(made.mean, None, None, found.points, problem.what)
    bottom, top = one.range
    low, high = low if bottom is None else max(low, bottom), high if top is None else min(high, top)
    return Estimate(made.mean, low, high, found.points, "over folds, corrected by Nadeau and Bengio, 95%")


def best(
    one: Column, sides: Mapping[str, Side], estimates: Mapping[str, Estimate], terms: Terms, store: Store
) -> dict[str, str]:
    """Each row's verdict against the best row of a column, Holm over the rows; the best itself is `best`."""
    means = {row: made.mean for row, made in estimates.items() if made.mean is not None}
    if not means:
        return {}
    sign = 1 if one.better == "higher" else -1
    top = max(means, key=lambda row: sign * means[row])
    found = [
        contrast.contrast(row, sides[row], sides[top], one, terms, store, sampled=False) for row in means if row != top
    ]
    return {top: "best"} | {judged.key: judged.verdict for judged in contrast.family(found, terms)}


def cell(found: Estimate, numbers: Mapping[str, Number], bests: Mapping[str, str], row: str) -> Cell:
    """A row's cell, bold and marked by how the row stands beside the best one."""
    verdict = bests.get(row, "")
    bold = verdict not in ("", "worse") and len(bests) > 1
    return Cell(found, numbers, bold, MARKS.get(verdict, ""))


def receipt_of(draft: Draft, row: Picked) -> Receipt:
    """What all numbers of a row point to."""
    runs = [(run, score) for run in row.runs if (score := run.score(draft.split))]
    first, score = runs[0] if runs else (None, None)
    return Receipt(
        tuple(run.run_id for run, _ in runs),
        tuple(run.seed for run, _ in runs),
        tuple(sorted({run.code.commit for run, _ in runs})),
        first.identity.data if first else "",
        first.data.version if first else "",
        draft.split,
        first.identity.split if first else "",
        score.harness if score else "",
        tuple(f"{run.run_id}: {run.checkpoint.weights}" for run, _ in runs if run.checkpoint),
        {run.run_id: score.sha256 for run, score in runs},
        wording.command(draft, row),
        wording.query(draft, row),
        f"{draft.name}.{row.name}",
    )
