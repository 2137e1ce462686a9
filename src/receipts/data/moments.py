"""Columns of a table that hold moments: seconds since 1970 as clocks count them, or days written as one number."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FIRST, LAST = 631_152_000, 2_208_988_800  # 1990 and 2040, in seconds since 1970
UNITS = (1, 1000, 1_000_000, 1_000_000_000)  # of a second, that clocks count in
DISTINCT, MOST = 20, 0.99  # distinct values of a column that may be moments, and the share that has to be
WIDEST = 500


def column(found: Array) -> int | None:
    """The first column `(N, columns)` that holds moments; None where none does."""
    if found.ndim != 2 or found.shape[1] > WIDEST:
        return None
    return next((place for place in range(found.shape[1]) if are_moments(found[:, place])), None)


def are_moments(values: Array) -> bool:
    """Whether values are seconds (or parts of them) of 1990 to 2040, or whole numbers like 20140131 or 201401."""
    numbers = values.astype(np.float64)
    if numbers.min() < FIRST / 10_000 or len(np.unique(values)) < DISTINCT:
        return False
    if any(bool(((numbers >= FIRST * unit) & (numbers < LAST * unit)).all()) for unit in UNITS):
        return True
    whole = np.round(numbers).astype(np.int64)
    days, months = whole % 100, whole // 100 % 100  # a day may be one off, as four bytes hold it
    written = (whole // 10_000 >= 1900) & (whole // 10_000 < 2100) & (months >= 1) & (months <= 12) & (days <= 32)
    short = (whole // 100 >= 1900) & (whole // 100 < 2100) & (days >= 1) & (days <= 12)
    return bool((numbers == whole).all()) and max(float(written.mean()), float(short.mean())) >= MOST
