"""Two methods beside each other: the difference, its interval and p, how large it is, and the verdict in one word.

All differences here are oriented: positive is better, whatever the metric. Wilcoxon and sign-flip cannot reach 0.05
with five seeds and "the bootstrap interval excludes zero" is wrong 17–25 % of the time, so neither decides alone.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri, stdtr, stdtrit

from receipts.report.intervals import LEAST, LEVEL, RESAMPLES, Values

POWER = 0.8
FLIPS = 6  # pairs from which the sign-flip test can say anything
SHARE = 0.2  # of the pooled standard deviation: the margin where none is declared

Verdict = Literal["better", "worse", "equivalent", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference (positive is better), its standard error with degrees of freedom, and by which test.

    `spread` is the standard deviation of a single difference: that of the pairs, or the one that d_z refers to.
    """

    delta: float
    error: float
    df: float
    n: int
    spread: float
    test: str

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Δ ± t · standard error; both ends are Δ where nothing varied."""
        half = float(stdtrit(self.df, 0.5 + level / 2)) * self.error if self.error else 0.0
        return self.delta - half, self.delta + half

    @property
    def p(self) -> float:
        """Two-sided, of no difference. Where nothing varied: 1 for no difference at all, else 0."""
        if not self.error:
            return 0.0 if self.delta else 1.0
        return float(2 * stdtr(self.df, -abs(self.delta) / self.error))

    @property
    def d_z(self) -> float | None:
        """The difference in standard deviations of a single difference; None where nothing varied."""
        return self.delta / self.spread if self.spread else None


def paired(a: Values, b: Values) -> Difference:
    """Paired t on d = a - b, for runs that share their seeds."""
    return one_sample(a - b, "paired t")


def against_fixed(a: Values, fixed: float) -> Difference:
    """One-sample t on d = a - b, for a method with seeds and a deterministic one."""
    return one_sample(a - fixed, "one-sample t against a deterministic method")


def one_sample(d: Values, test: str) -> Difference:
    """Student's t of a mean difference."""
    spread = settled(float(d.std(ddof=1)), d)
    return Difference(float(d.mean()), spread / math.sqrt(len(d)), len(d) - 1, len(d), spread, test)


def settled(spread: float, values: Values) -> float:
    """A standard deviation, zero where it is only the rounding of equal values."""
    return spread if spread > 1e-12 * float(np.abs(values).max(initial=0.0)) else 0.0


def welch(a: Values, b: Values) -> Difference:
    """Welch's t, for runs that share no seeds (Welch 1947, Satterthwaite's degrees of freedom)."""
    parts = [settled(float(x.std(ddof=1)), x) ** 2 / len(x) for x in (a, b)]
    error = math.sqrt(sum(parts))
    below = sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
    df = sum(parts) ** 2 / below if below else float(len(a) + len(b) - 2)
    return Difference(float(a.mean() - b.mean()), error, df, min(len(a), len(b)), pooled(a, b), "Welch t")


def folded(a: Values, b: Values, test_share: float) -> Difference:
    """Nadeau and Bengio's corrected t over the folds of one cross-validation; `test_share` is n_test / n_train."""
    d = a - b
    spread = settled(float(d.std(ddof=1)), d)
    error = spread * math.sqrt(1 / len(d) + test_share)
    return Difference(float(d.mean()), error, len(d) - 1, len(d), spread, "t over folds, Nadeau and Bengio")


def pooled(a: Values, b: Values) -> float:
    """The standard deviation that two groups have in common; 0 where neither varies."""
    squares = sum(float(((x - x.mean()) ** 2).sum()) for x in (a, b))
    df = len(a) + len(b) - 2
    return settled(math.sqrt(squares / df), np.concatenate([a, b])) if df > 0 else 0.0


def sign_flip(d: Values, rng: Generator) -> float | None:
    """Two-sided p of a sign-flip test, exact up to 13 pairs and by random flips beyond; None below six pairs."""
    if len(d) < FLIPS:
        return None
    from scipy.stats import permutation_test

    found = permutation_test((d,), np.mean, permutation_type="samples", vectorized=True, n_resamples=RESAMPLES, rng=rng)
    return float(found.pvalue)


def improvement(a: Values, b: Values, sign: int = 1) -> float:
    """The probability that a run of `a` beats one of `b`, over all pairs, ties count half."""
    apart = sign * (a[:, None] - b[None, :])
    return float(((apart > 0) + 0.5 * (apart == 0)).mean())


@cache
def smallest_detectable(n: int, alpha: float = 0.05, power: float = POWER) -> float:
    """The smallest d_z that a two-sided paired t over n >= 3 pairs finds with this power, by the noncentral t."""
    from scipy.optimize import brentq
    from scipy.stats import nct

    edge = float(stdtrit(n - 1, 1 - alpha / 2))

    def missing(d: float) -> float:
        return float(nct.sf(edge, n - 1, d * math.sqrt(n)) + nct.cdf(-edge, n - 1, d * math.sqrt(n))) - power

    above = 0.25
    while missing(above) < 0:  # far beyond the answer the noncentral t has no digits left
        above *= 2
    return float(brentq(missing, 0.0, above))


def seeds_needed(difference: Difference, margin: float, alpha: float = 0.05) -> int | None:
    """n* = ⌈(t(1-α/2) + z(.8))² s_d² / max(|Δ|, δ)²⌉: the seeds that would settle it; None where nothing helps."""
    size = max(abs(difference.delta), margin)
    if not size or not difference.spread:
        return None
    reach = float(stdtrit(difference.df, 1 - alpha / 2)) + float(ndtri(POWER))
    return math.ceil((reach * difference.spread / size) ** 2)


def judge(
    difference: Difference, p_holm: float, margin: float, alpha: float = 0.05, *, enough: bool = True
) -> tuple[Verdict, bool]:
    """The verdict of one declared comparison, and whether it is better by more than the margin.

    `enough` is False where fewer than five seeds, or failures in an arm, forbid any verdict.
    """
    if not enough:
        return "inconclusive", False
    low, high = difference.interval(1 - alpha)
    if p_holm <= alpha and low > 0:
        return "better", low > margin
    if p_holm <= alpha and high < 0:
        return "worse", False
    near, far = difference.interval(0.9)
    if -margin < near and far < margin:
        return "equivalent", False
    return "inconclusive", False


def too_few(n: int) -> bool:
    """Whether so few seeds forbid a verdict."""
    return n < LEAST
