"""Many comparisons at once: corrected p values, several tasks in one number, the best of a search."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import comb

from receipts.report.intervals import LEVEL, Values

Matrix = NDArray[np.float64]

PROFILES = 2000  # resamples of what is drawn over several tasks


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values of one declared family (Holm 1979), in the order given."""
    order = np.argsort(np.asarray(p, dtype=np.float64), kind="stable")
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, position in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[position]))
        adjusted[position] = highest
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p values of an undeclared sweep, which is called exploratory (Benjamini and Hochberg 1995)."""
    order = np.argsort(np.asarray(p, dtype=np.float64), kind="stable")
    adjusted, lowest = [0.0] * len(p), 1.0
    for rank in range(len(p), 0, -1):
        position = order[rank - 1]
        lowest = min(lowest, len(p) / rank * p[position])
        adjusted[position] = lowest
    return adjusted


def normalised(values: Matrix, low: Sequence[float], high: Sequence[float]) -> Matrix:
    """Every score on the scale of its task: (seeds, tasks) as it came.

    `low` and `high` are what counts as 0 and 1 on each task, say the floor and the best known.
    """
    bottom, top = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    return np.asarray((values - bottom) / (top - bottom), dtype=np.float64)


def interquartile_mean(values: Matrix) -> float:
    """The mean of the middle half of all scores: a quarter of them is cut from either end."""
    flat = np.sort(values, axis=None)
    cut = len(flat) // 4
    return float(flat[cut : len(flat) - cut].mean())


def stratified(values: Matrix, rng: Generator, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval of the interquartile mean, seeds drawn anew within each task: values (seeds, tasks)."""
    seeds, tasks = values.shape
    drawn = rng.integers(0, seeds, (PROFILES, seeds, tasks))
    resampled = np.sort(values[drawn, np.arange(tasks)].reshape(PROFILES, -1), axis=1)
    cut = resampled.shape[1] // 4
    means = resampled[:, cut : resampled.shape[1] - cut].mean(axis=1)
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def profile(values: Matrix, thresholds: Values) -> Values:
    """The share of all (seed, task) scores above each threshold: a performance profile (Dolan and Moré 2002)."""
    return np.asarray((values.reshape(-1)[None, :] > thresholds[:, None]).mean(axis=1), dtype=np.float64)


def band(values: Matrix, thresholds: Values, rng: Generator, level: float = LEVEL) -> tuple[Values, Values]:
    """Percentile intervals of a performance profile at each threshold, seeds drawn anew within each task."""
    seeds, tasks = values.shape
    above = (values[None] > thresholds[:, None, None]).astype(np.float64)
    drawn = rng.integers(0, seeds, (PROFILES, seeds, tasks))
    shares = np.stack([one[drawn, np.arange(tasks)].mean(axis=(1, 2)) for one in above])
    low, high = np.quantile(shares, [0.5 - level / 2, 0.5 + level / 2], axis=1)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ranks:
    """Mean ranks over tasks (1 is best), the Friedman p, and Holm-adjusted Wilcoxon p of each pair (i, j), i < j."""

    means: list[float]
    p: float
    pairs: dict[tuple[int, int], float]


def ranks(values: Matrix) -> Ranks:
    """Compare methods by their ranks over several tasks: values (tasks, methods), higher is better."""
    from scipy.stats import friedmanchisquare, rankdata, wilcoxon

    methods = values.shape[1]
    means = [float(mean) for mean in rankdata(-values, axis=1).mean(axis=0)]
    pairs = [(i, j) for i in range(methods) for j in range(i + 1, methods)]
    raw = [1.0 if (values[:, i] == values[:, j]).all() else float(wilcoxon(values[:, i], values[:, j]).pvalue)
           for i, j in pairs]  # fmt: skip
    tied = bool((values == values[:, :1]).all())
    p = 1.0 if tied else float(friedmanchisquare(*values.T).pvalue)
    return Ranks(means, p, dict(zip(pairs, holm(raw), strict=True)))


def best_of(values: Sequence[float], k: int) -> float:
    """The unbiased expected best of k tries out of N: Σ_{i=k..N} C(i-1, k-1) / C(N, k) · v_(i), higher is better
    (Dodge et al. 2019).
    """
    ordered = sorted(values)
    n = len(ordered)
    return math.fsum(comb(i - 1, k - 1, exact=True) / comb(n, k, exact=True) * ordered[i - 1] for i in range(k, n + 1))
