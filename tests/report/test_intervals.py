"""Intervals of one cell, against scipy and simulations whose answer is known."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from receipts.report import intervals
from receipts.report.intervals import estimate, student, within

RNG = np.random.default_rng


def test_students_interval_is_scipys() -> None:
    values = RNG(1).normal(0.9, 0.02, 7)
    expected = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert student(values) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [5, 10])
def test_students_interval_covers_its_level_where_a_bootstrap_does_not(n: int) -> None:
    rng, trials = RNG(2), 4000
    drawn = rng.normal(0, 1, (trials, n))
    covered = np.mean([low <= 0 <= high for low, high in map(student, drawn)])
    resampled = drawn[np.arange(trials)[:, None, None], rng.integers(0, n, (trials, 400, n))].mean(axis=2)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=1)
    assert abs(covered - 0.95) < 0.012
    assert np.mean((low <= 0) & (high >= 0)) < 0.92


@pytest.mark.parametrize(("n", "how"), [(0, "no run"), (1, "n=1: no interval"), (4, "n=4: every point")])
def test_fewer_than_five_seeds_have_no_interval(n: int, how: str) -> None:
    found = estimate(dict(enumerate([0.9] * n)), (0, 1), partial(RNG, 0))
    assert (found.low, found.high) == (None, None)
    assert found.how.startswith(how)
    assert (found.mean is None) == (n == 0)


def test_a_deterministic_method_has_a_value_and_no_interval() -> None:
    found = estimate({0: 0.89}, (0, 1), partial(RNG, 0), deterministic=True)
    assert (found.mean, found.low, found.deterministic) == (0.89, None, True)


def test_an_interval_inside_the_range_is_plain() -> None:
    values = np.array([0.90, 0.91, 0.92, 0.91, 0.90])
    assert within(values, (0, 1))[:2] == student(values)


def test_an_interval_that_leaves_the_range_is_made_on_the_logit_scale() -> None:
    values = np.array([0.999, 0.98, 0.995, 0.90, 0.999])
    assert student(values)[1] > 1
    low, high, how = within(values, (0, 1))
    logit = np.log(values / (1 - values))
    ends = stats.t.interval(0.95, 4, logit.mean(), stats.sem(logit))
    assert (low, high) == pytest.approx(tuple(1 / (1 + np.exp(-np.array(ends)))), rel=1e-12)
    assert "logit" in how
    assert 0 < low < values.mean() < high < 1


def test_other_ranges_have_their_own_scale() -> None:
    nll = np.array([0.001, 0.2, 0.01, 0.05, 0.002])
    low, high, how = within(nll, (0, None))
    ends = stats.t.interval(0.95, 4, np.log(nll).mean(), stats.sem(np.log(nll)))
    assert (low, high) == pytest.approx(tuple(np.exp(ends)), rel=1e-12)
    assert "log scale" in how
    r2 = 1 - nll
    assert within(r2, (None, 1))[:2] == pytest.approx((1 - high, 1 - low), rel=1e-9)
    kappa = np.array([0.99, -0.5, 0.99, 0.98, 0.999])
    assert -1 < within(kappa, (-1, 1))[0] < within(kappa, (-1, 1))[1] < 1


def test_a_value_at_the_end_of_the_range_cuts_the_interval_there_and_says_so() -> None:
    low, high, how = within(np.array([1.0, 0.98, 0.99, 1.0, 1.0]), (0, 1))
    assert high == 1.0
    assert low > 0.97
    assert "cut" in how


def test_many_skewed_points_have_a_bootstrap_beside_t() -> None:
    skewed = dict(enumerate(RNG(3).lognormal(0, 1, 25)))
    found = estimate(skewed, (0, None), partial(RNG, 0))
    expected = stats.bootstrap(
        (np.array(list(skewed.values())),), np.mean, n_resamples=9999, method="BCa", rng=RNG(0)
    ).confidence_interval
    assert found.bca == pytest.approx((expected.low, expected.high))
    assert estimate(skewed, (0, None), partial(RNG, 0)) == found
    even = dict(enumerate(RNG(3).normal(0, 1, 25)))
    assert estimate(even, (None, None), partial(RNG, 0)).bca is None
    few = dict(list(skewed.items())[:19])
    assert estimate(few, (0, None), partial(RNG, 0)).bca is None


def test_skewness_is_scipys() -> None:
    values = RNG(4).lognormal(0, 1, 30)
    assert intervals.skewness(values) == pytest.approx(stats.skew(values))
    assert intervals.skewness(np.ones(5)) == 0


def test_a_prediction_interval_holds_the_next_mean_of_as_many_runs() -> None:
    rng, hits = RNG(5), 0
    for _ in range(4000):
        low, high = intervals.prediction(rng.normal(0, 1, 5), claimed_by=3)
        hits += low <= rng.normal(0, 1, 3).mean() <= high
    assert abs(hits / 4000 - 0.95) < 0.012
    values = rng.normal(0.9, 0.01, 5)
    plain, rounded = intervals.prediction(values), intervals.prediction(values, decimals=2)
    assert rounded == pytest.approx((plain[0] - 0.005, plain[1] + 0.005))


def test_folds_are_corrected_for_the_training_rows_they_share() -> None:
    values = [0.90, 0.92, 0.91, 0.93, 0.89]
    low, high, error = intervals.folds(values, 1 / 4)
    s2 = np.var(values, ddof=1)
    assert error == pytest.approx(np.sqrt((1 / 5 + 1 / 4) * s2))
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 4, np.mean(values), error))
