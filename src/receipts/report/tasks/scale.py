"""The scale of each task: what counts as 0 and as 1 on it, and every seed's value between them.

A method's score is that of the seeds which all its tasks have; where it has no randomness its one value stands for
every seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from receipts.config.reporting import wrong
from receipts.report import families, rows
from receipts.report.contrast import Side
from receipts.report.draft import Draft
from receipts.report.methods import Picked
from receipts.report.model import Column, OverTasks, Task

DECLARED = "those declared"


@dataclass(frozen=True, slots=True)
class Measured:
    """One task: its draft and metric and, by method, the values of every seed."""

    task: Task
    draft: Draft
    column: Column
    sides: Mapping[str, Side]


def measure(name: str, inner: Draft, draft: Draft) -> Measured:
    """A task's values and its scale."""
    first = inner.rows[0].runs[0]
    column = rows.column(first.primary or rows.first_metric(first, inner.split), inner)
    pairs = list(zip(draft.rows, inner.rows, strict=True))
    sides = {method.name: rows.side(picked, column.metric, inner.split) for method, picked in pairs}
    zero, one, said = ends(name, draft, column, sides)
    runs = {method.name: picked.runs for method, picked in pairs}
    return Measured(Task(name, column.metric, zero, one, said, runs), inner, column, sides)


def ends(name: str, draft: Draft, column: Column, sides: Mapping[str, Side]) -> tuple[float, float, str]:
    """What counts as 0 and as 1 on a task, and whence: declared, or the means of its floor and of its best method."""
    sign = 1 if column.better == "higher" else -1
    declared = draft.across.ends.get(name) if draft.across else None
    if declared is not None:
        zero, one, said = *declared, DECLARED
    else:
        means = {method: float(side.values.mean()) for method, side in sides.items() if side.points}
        floor = next((method for method in means if is_floor(sides[method].row)), None)
        if floor is None:
            raise wrong(
                f"tables.{draft.name} does not say what counts as 0 on {name}",
                f"none of its methods is a floor there ({', '.join(side.row.label for side in sides.values())})",
                f"ends: {{{name}: [ZERO, ONE]}}, or a floor among its methods: sklearn.dummy, or facts.rung: floor",
            )
        best = max(means, key=lambda method: sign * means[method])
        zero, one, said = means[floor], means[best], f"the means of {floor} and {best}"
    if sign * (one - zero) <= 0:
        raise wrong(
            f"tables.{draft.name} would count {zero:.4g} as 0 and {one:.4g} as 1 on {name} ({said})",
            f"of {column.metric} {column.better} is better, so that 1 would be no better than 0",
            f"ends: {{{name}: [ZERO, ONE]}}",
        )
    return zero, one, said


def is_floor(row: Picked) -> bool:
    """Whether a row is what nobody should score below."""
    return bool(row.runs) and all(run.rung == "floor" for run in row.runs)


def refuse_same(draft: Draft, measured: Sequence[Measured]) -> None:
    """Refuse two tasks that are one: the same data, divided and measured in the same way, would count twice."""
    seen: dict[tuple[str, ...], str] = {}
    for one in measured:
        first = one.draft.rows[0].runs[0]
        key = first.identity.data, first.identity.split, one.column.metric
        if (other := seen.setdefault(key, one.task.name)) != one.task.name:
            raise wrong(
                f"tables.{draft.name} has one task twice: {other} and {one.task.name}",
                f"both are {one.column.metric} on the same data and split, which would count double",
                "take one of them out",
            )


def normalised(measured: Sequence[Measured]) -> OverTasks:
    """Every method's normalised scores (seeds, tasks), of the seeds that all its tasks share."""
    seeds = {method: shared([one.sides[method] for one in measured]) for method in measured[0].sides}
    zeros, ones = [one.task.zero for one in measured], [one.task.one for one in measured]
    scores = {}
    for method, found in seeds.items():
        sides = [one.sides[method] for one in measured]
        values = np.array([[value(side, seed) for side in sides] for seed in found], dtype=np.float64)
        scores[method] = families.normalised(values.reshape(len(found), len(sides)), zeros, ones)
    return OverTasks([one.task for one in measured], seeds, scores)


def shared(sides: Sequence[Side]) -> tuple[int, ...]:
    """The seeds that all tasks have; the first one alone of a method without randomness."""
    if any(not side.points for side in sides):
        return ()
    varying = [set(side.points) for side in sides if not side.deterministic]
    return tuple(sorted(set.intersection(*varying))) if varying else (min(sides[0].points),)


def value(side: Side, seed: int) -> float:
    """A task's value of a seed; without randomness it is the same for every seed."""
    return float(side.values[0]) if side.deterministic else side.points[seed]


def joined(row: Picked, measured: Sequence[Measured], over: OverTasks) -> Side:
    """A method's mean score by seed; a run whose metric is undefined counts as one that came to nothing."""
    sides = [one.sides[row.name] for one in measured]
    points = dict(zip(over.seeds[row.name], map(float, over.scores[row.name].mean(axis=1)), strict=True))
    first = {seed: sides[0].runs.get(seed, row.runs[0]) for seed in points}
    undefined = {seed: run for side in sides for seed, run in side.runs.items() if seed not in side.points}
    return Side(row, undefined | first, points, all(side.deterministic for side in sides))
