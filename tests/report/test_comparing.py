"""Comparisons of two methods, against scipy and simulations whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from receipts.report import comparing
from receipts.report.comparing import judge, paired, welch
from receipts.report.families import holm

RNG = np.random.default_rng


def two(n: int = 7, m: int | None = None, shift: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    rng = RNG(1)
    return rng.normal(0.9 + shift, 0.01, n), rng.normal(0.9, 0.02, m or n)


def test_the_paired_t_is_scipys() -> None:
    a, b = two()
    found, expected = paired(a, b), stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.interval() == pytest.approx((interval.low, interval.high))
    assert found.d_z == pytest.approx((a - b).mean() / (a - b).std(ddof=1))


def test_welchs_t_is_scipys() -> None:
    a, b = two(7, 11)
    found, expected = welch(a, b), stats.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert (found.p, found.df) == pytest.approx((expected.pvalue, expected.df))
    assert found.interval() == pytest.approx((interval.low, interval.high))


def test_a_deterministic_reference_is_a_constant() -> None:
    a, _ = two()
    expected = stats.ttest_1samp(a, 0.905)
    assert comparing.against_fixed(a, 0.905).p == pytest.approx(expected.pvalue)


def test_differences_that_do_not_vary_need_no_t() -> None:
    a = np.array([0.9, 0.91, 0.92, 0.93, 0.94])
    same, shifted = paired(a, a), paired(a + 0.1, a)
    assert (same.p, same.interval(), same.d_z) == (1.0, (0.0, 0.0), None)
    assert shifted.p == 0.0
    assert shifted.interval() == pytest.approx((0.1, 0.1))
    assert judge(same, 1.0, 0.03)[0] == "equivalent"
    assert welch(np.full(5, 0.9), np.full(5, 0.8)).p == 0.0


def test_folds_are_no_seeds() -> None:
    a, b = two(5)
    plain, corrected = paired(a, b), comparing.folded(a, b, 1 / 4)
    assert corrected.error == pytest.approx(plain.spread * np.sqrt(1 / 5 + 1 / 4))
    assert corrected.p > plain.p


def test_the_sign_flip_test_is_exact_and_starts_at_six_pairs() -> None:
    a, b = two(6)
    d = a - b
    flips = np.array(np.meshgrid(*[[-1, 1]] * 6)).T.reshape(-1, 6)
    expected = np.mean(np.abs((flips * d).mean(axis=1)) >= abs(d.mean()) - 1e-15)
    assert comparing.sign_flip(d, RNG(0)) == pytest.approx(expected)
    assert comparing.sign_flip(d[:5], RNG(0)) is None
    many = RNG(3).normal(0.3, 1, 30)
    assert comparing.sign_flip(many, RNG(0)) == comparing.sign_flip(many, RNG(0))


def test_the_probability_of_improvement_is_mann_whitneys() -> None:
    a, b = two(6, 9)
    expected = stats.mannwhitneyu(a, b).statistic / 54
    assert comparing.improvement(a, b) == pytest.approx(expected)
    assert comparing.improvement(a, b, -1) == pytest.approx(1 - expected)
    assert comparing.improvement(np.ones(3), np.ones(2)) == 0.5


@pytest.mark.parametrize(("n", "d"), [(3, 3.26), (5, 1.68), (8, 1.16), (10, 1.00), (20, 0.66), (30, 0.53)])
def test_the_smallest_detectable_effect_is_the_published_one(n: int, d: float) -> None:
    assert comparing.smallest_detectable(n) == pytest.approx(d, abs=0.005)


def test_the_smallest_detectable_effect_is_found_four_times_out_of_five() -> None:
    rng, d = RNG(4), comparing.smallest_detectable(8)
    found = [paired(x, np.zeros(8)).p < 0.05 for x in rng.normal(d, 1, (4000, 8))]
    assert abs(np.mean(found) - 0.8) < 0.02


def test_seeds_needed_follow_the_formula() -> None:
    a, b = two(5, shift=0.005)
    found = paired(a, b)
    reach = stats.t.ppf(0.975, 4) + stats.norm.ppf(0.8)
    expected = np.ceil((reach * found.spread / max(abs(found.delta), 0.003)) ** 2)
    assert comparing.seeds_needed(found, 0.003) == expected
    assert comparing.seeds_needed(paired(a, a), 0.0) is None


def difference(low: float, high: float, df: float = 4) -> comparing.Difference:
    """A difference with a 95 % interval from low to high."""
    half = (high - low) / 2
    return comparing.Difference((low + high) / 2, half / stats.t.ppf(0.975, df), df, 5, half, "made up")


@pytest.mark.parametrize(
    ("low", "high", "p", "enough", "verdict"),
    [
        (0.01, 0.05, 0.01, True, ("better", False)),
        (0.04, 0.05, 0.01, True, ("better", True)),
        (-0.05, -0.01, 0.01, True, ("worse", False)),
        (-0.02, 0.02, 0.9, True, ("equivalent", False)),
        (-0.05, 0.05, 0.9, True, ("inconclusive", False)),
        (0.01, 0.05, 0.06, True, ("inconclusive", False)),  # significant alone, not after Holm
        (0.001, 0.009, 0.06, True, ("equivalent", False)),
        (0.04, 0.05, 0.01, False, ("inconclusive", False)),
        (-0.005, 0.005, 0.9, False, ("inconclusive", False)),
    ],
)
def test_the_verdict_follows_the_rules(
    low: float, high: float, p: float, enough: bool, verdict: tuple[str, bool]
) -> None:
    assert judge(difference(low, high), p, 0.03, enough=enough) == verdict


def test_of_ten_comparisons_without_any_difference_one_family_in_twenty_finds_one() -> None:
    rng, trials, wrong = RNG(5), 1500, 0
    for _ in range(trials):
        found = [paired(x, np.zeros(5)) for x in rng.normal(0, 1, (10, 5))]
        adjusted = holm([one.p for one in found])
        verdicts = {judge(one, p, 0.0)[0] for one, p in zip(found, adjusted, strict=True)}
        wrong += bool(verdicts & {"better", "worse"})
    assert 0.03 < wrong / trials < 0.065
