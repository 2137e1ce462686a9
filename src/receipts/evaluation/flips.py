"""What two runs predicted differently on the same samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from receipts.bounds import confine
from receipts.config.project import RUNS
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.received import read
from receipts.refusal import Refusal
from receipts.runs.record import Record

WORST = 5


@dataclass(frozen=True)
class Flips:
    """Over the `n` samples both predicted: how many got another class, and where that led; `alone` only one has.

    `moved` is the mean absolute change of a value, or of the true class's probability; `worst` are the ids and
    changes of the samples that moved most.
    """

    n: int
    alone: int
    flipped: int | None
    to_right: int
    to_wrong: int
    moved: float
    worst: list[tuple[str, float]]


def between(a: Record, b: Record) -> list[str]:
    """One line for each split that both runs were scored on."""
    lines = []
    for split in dict.fromkeys(score.split for score in a.scores):
        one, other = a.score(split), b.score(split)
        if one is None or other is None:
            continue
        try:
            pair = read(confine(RUNS / a.run_id, one.file)), read(confine(RUNS / b.run_id, other.file))
        except Refusal as problem:
            lines.append(f"{split}: {problem.what} ({problem.why})")
            continue
        lines.append(f"{split}: {told(*pair)}")
    return lines


def told(a: Predictions, b: Predictions) -> str:
    """The comparison in words."""
    if (a.probabilities is None) != (b.probabilities is None) or a.stated.shape[1:] != b.stated.shape[1:]:
        return "one answered with other shapes than the other; nothing to compare"
    found = compare(a, b)
    if not found.n:
        return "no sample in common"
    alone = f", {found.alone} samples in one run only" if found.alone else ""
    if not found.moved and not found.flipped:
        return f"all {found.n} predictions are the same to the last bit{alone}"
    worst = "moved most: " + ", ".join(f"{name} ({change:+.3g})" for name, change in found.worst)
    if found.flipped is None:
        return f"{found.n} values moved by {found.moved:.3g} on average; {worst}{alone}"
    elsewhere = found.flipped - found.to_right - found.to_wrong
    ways = f"{found.to_wrong} right → wrong, {found.to_right} wrong → right, {elsewhere} otherwise"
    return f"{found.flipped} of {found.n} predictions flipped ({ways}); {worst}{alone}"


def compare(a: Predictions, b: Predictions) -> Flips:
    """Two runs' predictions joined by id; both hold probabilities, or both values of one shape."""
    place = {name: row for row, name in enumerate(b.ids)}
    rows = [(row, place[name]) for row, name in enumerate(a.ids) if name in place]
    first, second = (np.array(side, dtype=np.int64) for side in zip(*rows, strict=True)) if rows else ((), ())
    alone = len(a) + len(b) - 2 * len(rows)
    if not rows:
        return Flips(0, alone, None, 0, 0, 0.0, [])
    change = moved(a, b, np.asarray(first), np.asarray(second))
    order = np.argsort(-np.abs(change), kind="stable")[:WORST]
    worst = [(a.ids[int(first[row])], float(change[row])) for row in order if change[row]]
    size = float(np.abs(change).mean())
    if a.probabilities is None:
        return Flips(len(rows), alone, None, 0, 0, size, worst)
    was, now = a.prediction[first], b.prediction[second]
    flipped = was != now
    right = [np.zeros(len(rows), bool)] * 2
    if a.targets is not None:
        right = [was == a.targets[first], now == a.targets[first]]
    to_right, to_wrong = int((flipped & right[1]).sum()), int((flipped & right[0]).sum())
    return Flips(len(rows), alone, int(flipped.sum()), to_right, to_wrong, size, worst)


def moved(a: Predictions, b: Predictions, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far each sample moved (n,): the true class's probability, else the highest one, or the mean of its values."""
    one, other = (side.stated[rows].astype(np.float64) for side, rows in ((a, first), (b, second)))
    if a.probabilities is None:
        return np.asarray((other - one).reshape(len(first), -1).mean(axis=1))
    labels = a.prediction[first] if a.targets is None else a.targets[first]
    rows = np.arange(len(first))
    return np.asarray(other[rows, labels] - one[rows, labels])
