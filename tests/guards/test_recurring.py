"""Values that recur: the same in splits of one origin, others where the arithmetic was another."""

from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from receipts.guards.data import recurring

DIGITS = (datasets.load_digits().images / 16).astype(np.float32)
TRAIN, VAL = DIGITS[:1000], DIGITS[1000:1400]
TUMOURS = datasets.load_breast_cancer().data.astype(np.float32)


def scaled(x: Any, mean: float, deviation: float) -> Any:
    return (x - np.float32(mean)) / np.float32(deviation)


@pytest.mark.parametrize(
    ("train", "val", "table", "caught"),
    [
        (TRAIN, VAL, False, False),
        (scaled(TRAIN, 0.3, 0.38), scaled(VAL, 0.5, 0.5), False, True),
        (scaled(TRAIN, 0.3, 0.38), scaled(VAL, 0.31, 0.38), False, True),
        (scaled(TRAIN, 0.3, 0.38), ((VAL.astype(np.float64) - 0.3) / 0.38).astype(np.float32), False, False),
        (TRAIN.reshape(1000, 64), VAL.reshape(400, 64), True, False),
        (TRAIN.reshape(1000, 64) - 0.3, VAL.reshape(400, 64) - 0.35, True, True),
        (TUMOURS[:300], TUMOURS[300:], True, False),
        (np.random.default_rng(0).normal(size=(900, 3)), np.random.default_rng(1).normal(1, 2, (90, 3)), True, False),
        (np.repeat([[2001.0], [2002.0], [2003.0]], 50, 0), np.repeat([[2004.0], [2005.0]], 50, 0), True, False),
        (np.full((100, 4), 0.5), np.full((50, 4), 0.25), True, False),
    ],
)
def test_only_other_arithmetic_moves_recurring_values(train: Any, val: Any, table: bool, caught: bool) -> None:
    assert bool(recurring.moved(train, val, table)) is caught


def test_years_and_months_of_two_periods_continue_each_other() -> None:
    months = np.arange(240)
    calendar = np.column_stack([2000 + months // 12, months % 12, months // 3 % 4, months]).repeat(30, 0).astype(float)
    centred = (calendar - calendar[:3600].mean(0)) / calendar[:3600].std(0)
    assert not recurring.moved(centred[:3600], centred[3600:], True)
