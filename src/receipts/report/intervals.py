"""How far a mean over seeds may be off: Student's t, on the scale where the metric has no ends where it must be.

A bootstrap is not the default: at nominal 95 % it covers 73–75 % at 3 seeds, 85 % at 5 and 90 % at 10; t covers 95 %.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import stdtrit

from receipts.report.model import Estimate

Values = NDArray[np.float64]
Range = tuple[float | None, float | None]

LEVEL = 0.95
LEAST = 5  # seeds for an interval and a verdict
HEADLINE = 10  # seeds for a claim that others will quote
MANY, SKEWED = 20, 1.0  # from so many seeds, and beyond such a skewness, a bootstrap stands beside t
RESAMPLES = 9999


def estimate(
    points: Mapping[int, float], bounds: Range, rng: Callable[[], Generator], *, deterministic: bool = False
) -> Estimate:
    """What a table prints of one method and one metric: `points` maps seed to value, `bounds` are the metric's own.

    `rng` makes the generator of a bootstrap, which few methods need.
    """
    values = np.array(list(points.values()), dtype=np.float64)
    n = len(values)
    mean = float(values.mean()) if n else None
    if deterministic and n:
        return Estimate(mean, None, None, points, "deterministic: one value, no seeds", deterministic=True)
    if n < LEAST:
        how = {0: "no run", 1: "n=1: no interval"}.get(n, f"n={n}: every point instead of an interval")
        return Estimate(mean, None, None, points, how)
    low, high, how = within(values, bounds)
    skewed = n >= MANY and abs(skewness(values)) > SKEWED
    return Estimate(mean, low, high, points, how, bca=bca(values, rng()) if skewed else None)


def student(values: Values, level: float = LEVEL) -> tuple[float, float]:
    """The interval of a mean, mean ± t(1-α/2, n-1) · s / √n with ddof 1."""
    n, mean = len(values), float(values.mean())
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * float(values.std(ddof=1)) / math.sqrt(n)
    return mean - half, mean + half


def within(values: Values, bounds: Range, level: float = LEVEL) -> tuple[float, float, str]:
    """Student's interval; where that leaves the metric's range, the one of the logit (or log), brought back.

    A value at the very end of the range has no logit: the interval is then cut at the end, and says so.
    """
    low, high = student(values, level)
    bottom, top = (-math.inf if bounds[0] is None else bounds[0]), (math.inf if bounds[1] is None else bounds[1])
    if bottom <= low and high <= top:
        return low, high, f"Student t, {level:.0%}"
    if bottom < values.min() and values.max() < top:
        ends = shrunk(np.array(student(stretched(values, bounds), level)), bounds)
        scale = "log" if None in bounds else "logit"
        return float(ends[0]), float(ends[1]), f"Student t on the {scale} scale, {level:.0%}"
    return max(low, bottom), min(high, top), f"Student t, {level:.0%}, cut at the end of the range"


def stretched(values: Values, bounds: Range) -> Values:
    """Values inside a range on a scale without ends: logit between two ends, log from one."""
    low, high = bounds
    if low is not None and high is not None:
        shares = (values - low) / (high - low)
        return np.log(shares / (1 - shares))
    return np.log(values - low) if low is not None else -np.log((high or 0.0) - values)


def shrunk(values: Values, bounds: Range) -> Values:
    """The inverse of `stretched`."""
    low, high = bounds
    if low is not None and high is not None:
        return low + (high - low) / (1 + np.exp(-values))
    return low + np.exp(values) if low is not None else (high or 0.0) - np.exp(-values)


def skewness(values: Values) -> float:
    """The third standardised moment, without a correction for small samples; 0 where all values are equal."""
    apart = values - values.mean()
    spread = float((apart**2).mean())
    return float((apart**3).mean()) / spread**1.5 if spread > 0 else 0.0


def bca(values: Values, rng: Generator, level: float = LEVEL) -> tuple[float, float]:
    """The bias-corrected and accelerated bootstrap interval of a mean (Efron 1987)."""
    from scipy.stats import bootstrap

    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, confidence_level=level, method="BCa", rng=rng)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def prediction(values: Values, claimed_by: int = 1, decimals: int | None = None) -> tuple[float, float]:
    """Where a published mean of `claimed_by` runs would lie, 95 %, if it came from these runs' distribution.

    m ± t(.975, n-1) · s · √(1/n + 1/n_c), plus half a unit of the claim's last printed digit.
    """
    n = len(values)
    spread = float(values.std(ddof=1)) * math.sqrt(1 / n + 1 / claimed_by)
    half = float(stdtrit(n - 1, 0.975)) * spread + (0.5 * 10.0**-decimals if decimals is not None else 0.0)
    return float(values.mean()) - half, float(values.mean()) + half


def folds(values: Sequence[float], test_share: float, level: float = LEVEL) -> tuple[float, float, float]:
    """The mean over folds of one cross-validation with Nadeau and Bengio's corrected interval (2003): low, high, and
    the standard error √((1/k + n_test/n_train) · s²). `test_share` is n_test / n_train; where all
    other rows are learnt from, 1/(k-1).
    """
    array = np.asarray(values, dtype=np.float64)
    error = float(np.sqrt((1 / len(array) + test_share) * array.var(ddof=1)))
    half = float(stdtrit(len(array) - 1, 0.5 + level / 2)) * error
    return float(array.mean()) - half, float(array.mean()) + half, error
