"""Whether predictions know anything of the labels: against guessing, and against the best constant in hindsight."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.special import bdtr

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.schema import Config, Task
from receipts.evaluation.metrics import arrays, evaluate, scored_as
from receipts.evaluation.predictions import Predictions
from receipts.runs.record import Check, Score

Array = np.ndarray[Any, Any]

EQUAL = 1e-6  # predictions that differ by less are one and the same
BELOW = 1e-5  # chance of so few right answers for somebody who guesses
KNOWS, TURNED = 4.0, -5.0  # deviations from independence that show a relation, and one that is upside down
LITTLE = 0.1  # of the way from the best constant to perfect, below which nothing to speak of was learnt
NO_SKILL = ("ece",)  # a constant is perfectly calibrated


@dataclass(frozen=True)
class Relation:
    """How predictions and labels go together: in deviations from independence, and whether they are worse than guesses.

    `told` is what was seen, in numbers.
    """

    deviations: float
    worse: bool
    told: str


def relation(predictions: Predictions, task: Task) -> Relation:
    """How predictions and labels go together."""
    truth, stated = arrays(predictions, task)
    if scored_as(task) == "classification":
        return of_classes(truth, stated)
    return of_values(np.asarray(truth, np.float64).ravel(), np.asarray(stated, np.float64).ravel(), len(predictions))


def of_classes(truth: Array, stated: Array) -> Relation:
    """The probability of the true class against its mean and spread if labels were dealt out anew (Hoeffding 1951)."""
    n, given = len(truth), stated.argmax(1)
    classes = range(stated.shape[1])
    share = np.array([np.mean(truth == each) for each in classes])
    centred = stated - stated.mean(0)
    centred = centred - (centred @ share)[:, None]
    error = sqrt(float((centred**2 @ share).sum()) * n / max(n - 1, 1)) / n
    gained = float(stated[np.arange(n), truth].mean()) - float(share @ stated.mean(0))
    deviations = gained / error if error > 0 else 0.0
    chance = float(share @ np.array([np.mean(given == each) for each in classes]))
    right = int((given == truth).sum())
    worse = right < chance * n and float(bdtr(right, n, min(chance, 1.0))) < BELOW
    return Relation(deviations, worse, f"{right} of {n} right, {chance * n:.0f} by guessing with the same frequencies")


def of_values(truth: Array, stated: Array, n: int) -> Relation:
    """The correlation of values and targets; of targets with many elements, over all of them."""
    if truth.std() == 0 or stated.std() == 0:
        return Relation(0.0, False, "one of them is constant")
    correlation = float(np.corrcoef(truth, stated)[0, 1])
    deviations = correlation * sqrt(max(n - 1, 1))
    return Relation(deviations, deviations < TURNED, f"correlation {correlation:.3f} over {n} samples")


def vary(predictions: Predictions, split: str, rung: str | None) -> Check:
    """Whether predictions differ from sample to sample."""
    name, stated = f"{split}-predictions-vary", predictions.stated
    if rung == "floor" or len(predictions) < 2:
        return not_applicable(name, "a floor says the same of every sample" if rung else "there is one sample")
    apart = float(np.ptp(stated.astype(np.float64), axis=0).max())
    largest = float(np.abs(stated).max())
    if apart <= EQUAL * max(largest, 1e-12):
        return failed(name, f"all {len(predictions)} predictions are equal, within {apart:.1e}")
    return passed(name, f"predictions of {len(predictions)} samples differ by up to {apart:.3g}")


def above_chance(found: Relation, split: str) -> Check:
    """Whether predictions are worse than guesses."""
    name = f"{split}-above-chance"
    if found.worse:
        return failed(name, f"worse than guessing: {found.told}; labels were moved between learning and scoring")
    return passed(name, found.told)


def beats_floor(
    predictions: Predictions, score: Score, config: Config, rung: str | None, found: Relation, note: str
) -> Check:
    """Whether the interval of the primary metric leaves room above the best constant, or labels and predictions relate.

    `note` says how the run compares with recorded baselines.
    """
    name, primary = f"{score.split}-beats-the-floor", config.task.primary
    metric, floor = score.metrics[primary], floor_of(predictions, config)
    if rung is not None or primary in NO_SKILL or metric.value is None or floor is None:
        return not_applicable(name, f"a {rung} baseline is on the ladder itself" if rung else f"no floor of {primary}")
    up = 1 if metric.better == "higher" else -1
    interval = score.intervals.get(primary)
    half = 0.0 if interval else 1 / sqrt(len(predictions))
    ends = (interval.low, interval.high) if interval else (metric.value - half, metric.value + half)
    low, high = sorted(up * end for end in ends)
    perfect = up * (metric.range[1] or 0.0) if up > 0 else 0.0
    room = perfect - up * floor
    seen = f"{primary} {metric.value:.4f}, {ends[0]:.4f} to {ends[1]:.4f}; the best constant has {floor:.4f}{note}"
    if room <= 0 or low > up * floor or (high - up * floor) / room >= LITTLE:
        return passed(name, seen)
    if found.deviations >= KNOWS:
        return passed(name, f"{seen}; no better than a constant, yet related to the labels: {found.told}")
    return failed(name, f"{seen}; {found.told}")


def floor_of(predictions: Predictions, config: Config) -> float | None:
    """The primary metric of the best constant in hindsight, or the chance level that is declared."""
    if config.facts.chance is not None:
        return config.facts.chance
    task, targets = config.task, predictions.targets
    assert targets is not None, "scored predictions have labels"
    same = Predictions(predictions.ids, targets, **constants(targets, task))
    found = evaluate(same, task, names=[task.primary], second=False)[task.primary]
    return 0.0 if found.value is None and task.primary in ("spearman", "qwk") else found.value


def constants(targets: Array, task: Task) -> dict[str, Any]:
    """Predictions that say the same of every sample: class frequencies, or the median or mean of each element."""
    if targets.dtype.kind == "f":
        middle = np.median(targets, axis=0) if task.primary == "mae" else targets.mean(axis=0)
        return {"value": np.broadcast_to(middle, targets.shape).astype(targets.dtype)}
    frequencies = np.bincount(targets, minlength=task.classes or 0) / len(targets)
    return {"probabilities": np.tile(frequencies.astype(np.float32), (len(targets), 1))}
