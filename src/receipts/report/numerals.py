"""How a number is printed: as many digits as its interval leaves meaning to, the same number down a column."""

import math
from collections.abc import Iterable

from receipts.report.model import Estimate
from receipts.runs.figures import decimals

PLAIN, MOST = 4, 8  # decimals without an interval, and at most


def of_column(estimates: Iterable[Estimate]) -> int:
    """The decimals of a column: those of its narrowest interval, so that no row loses digits that mean something."""
    halves = [half for one in estimates if (half := half_width(one))]
    return min(MOST, max(decimals(half) for half in halves)) if halves else PLAIN


def half_width(estimate: Estimate) -> float | None:
    """Half the width of an interval; None where there is none."""
    if estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / 2


def is_symmetric(estimate: Estimate) -> bool:
    """Whether the mean lies in the middle of its interval, so that ± says all."""
    half = half_width(estimate)
    if half is None or estimate.mean is None or estimate.low is None:
        return False
    return math.isclose(estimate.mean - estimate.low, half, rel_tol=1e-6, abs_tol=1e-12)


def fixed(value: float | None, places: int) -> str:
    """A value with a fixed number of decimals and no negative zero; an em dash for none."""
    if value is None:
        return "—"
    text = f"{value:.{places}f}"
    return text.lstrip("-") if not float(text) else text


def probability(p: float) -> str:
    """A p value with two digits, or its bound."""
    if p < 0.001:
        return "<0.001"
    return f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
