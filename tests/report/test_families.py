"""Many comparisons, several tasks, the best of a search: against scipy, published examples and enumeration."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from receipts.report import families

RNG = np.random.default_rng


def test_holm_steps_down() -> None:
    assert families.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert families.holm([0.6, 0.7]) == [1.0, 1.0]
    assert families.holm([]) == []


def test_benjamini_and_hochberg_are_scipys() -> None:
    p = RNG(0).uniform(0, 0.2, 12)
    assert families.benjamini_hochberg(list(p)) == pytest.approx(stats.false_discovery_control(p))


def test_every_score_is_on_the_scale_of_its_task_whichever_direction_is_better() -> None:
    values = np.array([[0.5, 30.0], [0.75, 20.0]])
    assert families.normalised(values, [0.0, 10.0], [1.0, 30.0]) == pytest.approx(np.array([[0.5, 1], [0.75, 0.5]]))
    assert families.normalised(values, [0.0, 30.0], [1.0, 10.0]) == pytest.approx(np.array([[0.5, 0], [0.75, 0.5]]))


def test_the_interquartile_mean_is_scipys_trimmed_mean() -> None:
    values = RNG(1).normal(0, 1, (5, 12))
    assert families.interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25, axis=None))


def test_the_stratified_bootstrap_uses_its_generator_and_nothing_else() -> None:
    values = RNG(2).normal(0, 1, (5, 10))
    found = families.stratified(values, RNG(7))
    assert families.stratified(values, RNG(7)) == found
    assert families.stratified(values, RNG(8)) != found
    assert found[0] < families.interquartile_mean(values) < found[1]
    constant = np.tile(np.arange(10.0), (5, 1))  # tasks differ, seeds do not: strata leave nothing to vary
    low, high = families.stratified(constant, RNG(0))
    assert low == high == families.interquartile_mean(constant)


def test_a_profile_is_the_share_above() -> None:
    assert families.profile(np.array([[0.1, 0.5], [0.7, 0.9]]), np.array([0.0, 0.5, 1.0])) == pytest.approx([1, 0.5, 0])


def test_the_band_of_a_profile_is_that_of_its_generator_and_of_the_seeds_within_each_task() -> None:
    thresholds = np.array([-1.0, 0.0, 9.0])
    values = RNG(2).normal(0, 1, (5, 10))
    low, high = families.band(values, thresholds, RNG(7))
    assert families.band(values, thresholds, RNG(7))[0] == pytest.approx(low)
    shares = families.profile(values, thresholds)
    assert ((low <= shares) & (shares <= high)).all()
    assert low[1] < high[1]
    constant = np.tile(np.arange(10.0) - 5, (5, 1))
    low, high = families.band(constant, thresholds, RNG(0))
    assert list(low) == list(high) == pytest.approx([0.5, 0.4, 0.0])


def test_methods_that_never_differ_have_no_ranks_to_compare() -> None:
    found = families.ranks(np.ones((8, 3)))
    assert (found.p, set(found.pairs.values()), found.means) == (1.0, {1.0}, [2.0, 2.0, 2.0])


def test_ranks_are_friedmans_and_wilcoxons() -> None:
    values = RNG(3).normal(0, 1, (12, 3)) + np.array([0.0, 0.5, 2.0])
    found = families.ranks(values)
    assert found.p == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)
    assert np.argmin(found.means) == 2
    raw = [stats.wilcoxon(values[:, i], values[:, j]).pvalue for i, j in ((0, 1), (0, 2), (1, 2))]
    assert list(found.pairs.values()) == pytest.approx(families.holm(raw))
    same = np.repeat(values[:, :1], 3, axis=1) + np.array([0.0, 0.0, 1.0])
    assert families.ranks(same).pairs[(0, 1)] == 1.0


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_the_expected_best_of_k_is_the_mean_over_all_choices(k: int) -> None:
    values = list(RNG(4).normal(0, 1, 6))
    assert families.best_of(values, k) == pytest.approx(np.mean([max(some) for some in combinations(values, k)]))
