"""How far a number could be off because the split is a sample: 95 % intervals over samples, of one model.

Seeds are another matter and not in here. Where samples share an entity the entities are the independent units.
Given for: accuracy and micro F1 (Wilson), NLL, Brier, MAE (Student t on the samples' own losses), RMSE (the root of
such an interval of its square); and, where it is the primary metric, for balanced accuracy, macro F1, quadratic kappa,
Spearman and R² (percentile bootstrap). Not given for AUROC (needs DeLong's variance) and for ECE, whose bootstrap is
biased upwards.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from receipts.config.schema import Task
from receipts.evaluation.formulas import SMALLEST, UndefinedError
from receipts.evaluation.metrics import arrays, definition, scored_as
from receipts.evaluation.predictions import Predictions
from receipts.runs.record import Interval

Array = NDArray[Any]
LEVEL = 0.95
SHARES = ("accuracy", "micro_f1")  # every sample counts 0 or 1
RESAMPLES = 999
RESAMPLED = ("balanced_accuracy", "macro_f1", "qwk", "spearman", "r2")
LARGEST = 5e7  # elements drawn by all resamples together: some seconds


def intervals(predictions: Predictions, task: Task) -> dict[str, Interval]:
    """The interval of every metric that has one in closed form, and of the primary one by resampling."""
    truth, stated = arrays(predictions, task)
    units = entities(predictions)
    found = {}
    for name, each in losses(truth, stated, len(predictions), scored_as(task)).items():
        interval = wilson(each) if name in SHARES and units is None else student(each, units)
        if interval is not None:
            found[name] = rooted(interval) if name == "rmse" else bounded(interval, task, name)
    if task.primary in RESAMPLED and (interval := bootstrap(truth, stated, units, len(predictions), task)):
        found[task.primary] = interval
    return found


def entities(predictions: Predictions) -> Array | None:
    """The number of each sample's entity (N,); None where every sample stands for itself."""
    import pandas as pd

    if predictions.entities is None or len(set(predictions.entities)) == len(predictions):
        return None
    return np.asarray(pd.factorize(np.array(predictions.entities, dtype=object), sort=True)[0])


def losses(truth: Array, stated: Array, n: int, kind: str) -> dict[str, Array]:
    """Metrics that are means over samples, as one number per sample (N,); `rmse` by its squares."""
    if kind == "classification":
        rows = np.arange(n)
        right = (stated.argmax(axis=1) == truth).astype(float)
        brier = (stated**2).sum(axis=1) - stated[rows, truth] ** 2 + (1 - stated[rows, truth]) ** 2
        surprise = -np.log(np.maximum(stated[rows, truth], SMALLEST))
        return {"accuracy": right, "micro_f1": right, "nll": surprise, "brier": brier}
    if kind == "ordinal":
        return {"accuracy": (truth == stated).astype(float), "mae": np.abs(truth - stated).astype(float)}
    apart = (stated - truth).reshape(n, -1)
    return {"mae": np.abs(apart).mean(axis=1), "rmse": (apart**2).mean(axis=1)}


def wilson(right: Array) -> Interval:
    """Wilson's score interval of a share of independent samples (Wilson 1927)."""
    n, share, z = len(right), float(right.mean()), NormalDist().inv_cdf(0.5 + LEVEL / 2)
    middle, half = share + z**2 / (2 * n), z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    low, high = ((middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
    return Interval(max(low, 0.0), min(high, 1.0), LEVEL, f"Wilson, {n} samples")


def student(each: Array, units: Array | None) -> Interval | None:
    """Mean ± t · s / √n of the samples' losses; with entities, of their summed residuals (cluster-robust, G - 1).

    None for fewer than two units, and where none differs from another: that says nothing about other samples.
    """
    from scipy.special import stdtrit

    residuals = each - each.mean()
    summed = residuals if units is None else np.bincount(units, residuals)
    groups = len(summed)
    spread = float((summed**2).sum())
    if groups < 2 or spread <= 1e-24 * max(float((each**2).sum()), 1e-300):
        return None
    half = float(stdtrit(groups - 1, 0.5 + LEVEL / 2)) * (groups / (groups - 1) * spread) ** 0.5 / len(each)
    over = f"{len(each)} samples" if units is None else f"{groups} entities with {len(each)} samples"
    return Interval(float(each.mean()) - half, float(each.mean()) + half, LEVEL, f"Student t, {over}")


def rooted(interval: Interval) -> Interval:
    """The interval of a root, from that of the square."""
    low, high = max(interval.low, 0.0) ** 0.5, interval.high**0.5
    return Interval(low, high, interval.level, f"{interval.method}, of the square")


def bounded(interval: Interval, task: Task, name: str) -> Interval:
    """An interval cut at the ends of its metric's range."""
    low, high = definition(scored_as(task), name).range
    bottom, top = (-np.inf if low is None else low), (np.inf if high is None else high)
    return Interval(max(interval.low, bottom), min(interval.high, top), interval.level, interval.method)


def bootstrap(truth: Array, stated: Array, units: Array | None, n: int, task: Task) -> Interval | None:
    """Percentiles of the primary metric over resampled samples, or over resampled entities with all of theirs.

    None where that would take too long, or where a twentieth of the resamples leave the metric undefined.
    """
    if truth.size * RESAMPLES > LARGEST:
        return None
    compute = definition(scored_as(task), task.primary).compute
    truth, stated = truth.reshape(n, -1), stated.reshape(n, -1)
    flat = scored_as(task) != "classification"
    rng = np.random.default_rng(0)
    members = (
        [np.array([row]) for row in range(n)] if units is None else [np.flatnonzero(units == g) for g in set(units)]
    )
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(members), len(members))
        rows = drawn if units is None else np.concatenate([members[one] for one in drawn])
        value = defined(compute, truth[rows].ravel(), stated[rows].ravel() if flat else stated[rows])
        values += [] if value is None else [value]
    if len(values) < 0.95 * RESAMPLES:
        return None
    low, high = np.quantile(values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    over = f"{n} samples" if units is None else f"{len(members)} entities with {n} samples"
    return Interval(float(low), float(high), LEVEL, f"percentile bootstrap, {RESAMPLES} resamples of {over}")


def defined(compute: Callable[[Array, Array], float], truth: Array, stated: Array) -> float | None:
    """A metric of a resample, or None where it is undefined."""
    try:
        value = compute(truth, stated)
    except UndefinedError:
        return None
    return value if np.isfinite(value) else None
