"""Several configurations of one experiment are a search: what the best of so many tries is expected to be.

One value for each configuration, the mean over its seeds on val; the seeds that chose the best one flatter it.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from receipts.report import arms, methods
from receipts.report.collect import Collected
from receipts.report.draft import Draft
from receipts.report.families import best_of
from receipts.runs.record import Record

LEAST = 3  # configurations of one experiment that make a search


def candidates(found: Collected) -> list[Record]:
    """The runs that could have been chosen among: all but the arms that a file declares, which answer a question."""
    declared = [plan for plan in found.plans if arms.is_declared(plan)]
    answering = {cell.identity for plan in declared for cell in plan.cells if cell.arm != plan.arms[0].name}
    return [record for record in found.records if record.identity.id not in answering]


def notes(draft: Draft, everyone: Sequence[Record]) -> list[str]:
    """What is said under a table of methods of which more was tried; the arms of a plan are no search."""
    if draft.plan is not None:
        return []
    found = []
    for run in {row.runs[0].conf: row.runs[0] for row in reversed(draft.rows) if row.runs}.values():
        primary = run.primary or ""
        better = next((score.metrics[primary].better for score in run.scores if primary in score.metrics), None)
        tried = values(run, everyone)
        if len(tried) >= LEAST and better is not None:
            found.append(told(run.conf, [fmean(each) for each in tried.values()], primary, better))
    return found


def values(run: Record, everyone: Sequence[Record]) -> Mapping[methods.Label, list[float]]:
    """The primary number on val of each configuration of a run's experiment, on its data and split."""
    found: defaultdict[methods.Label, list[float]] = defaultdict(list)
    asked = run.conf, run.identity.data, run.identity.split, run.limit
    for record in everyone:
        same = (record.conf, record.identity.data, record.identity.split, record.limit) == asked
        score = record.score("val") if same and record.status == "completed" else None
        metric = score.metrics.get(run.primary or "") if score else None
        if metric is not None and metric.value is not None:
            found[methods.label(record)].append(metric.value)
    return found


def told(conf: str, means: Sequence[float], metric: str, better: str) -> str:
    """The sentence; so many tries, and what the best of fewer of them would have been."""
    sign = 1 if better == "higher" else -1
    sizes = sorted({1, math.isqrt(len(means)), len(means)})
    best = (f"{sign * best_of([sign * value for value in means], k):.4f} for {k}" for k in sizes)
    return (
        f"{len(means)} configurations of {conf} were tried on these data: a search. Expected best {metric} on val by "
        f"number of tries: {', '.join(best)}. The seeds that chose a configuration do not score it."
    )
