"""The error of the test sample, against scipy and simulations whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from receipts.config.schema import Task
from receipts.evaluation.metrics import evaluate
from receipts.evaluation.predictions import Predictions
from receipts.report import samples

RNG = np.random.default_rng


def drawn(rng: np.random.Generator, seeds: int = 5, n: int = 60) -> np.ndarray:
    """Differences with mean 0 in which seeds, samples and their pairs all vary."""
    return rng.normal(0, 0.3, (seeds, 1)) + rng.normal(0, 1.0, (1, n)) + rng.normal(0, 0.5, (seeds, n))


def test_both_sources_together_are_covered_and_either_alone_is_not() -> None:
    rng, trials = RNG(0), 1500
    both, by_seed, by_sample = 0, 0, 0
    for _ in range(trials):
        table = drawn(rng)
        low, high = samples.two_way(table) or (0, 0)
        both += low <= 0 <= high
        low, high = stats.t.interval(0.95, 4, table.mean(), stats.sem(table.mean(axis=1)))
        by_seed += low <= 0 <= high
        low, high = stats.t.interval(0.95, 59, table.mean(), stats.sem(table.mean(axis=0)))
        by_sample += low <= 0 <= high
    assert 0.935 < both / trials < 0.985
    assert by_seed / trials < 0.93
    assert by_sample / trials < 0.93


def test_entities_are_what_is_drawn_where_samples_share_them() -> None:
    rng, trials, covered, alone = RNG(1), 800, 0, 0
    units = np.repeat(np.arange(20), 5)
    for _ in range(trials):
        table = rng.normal(0, 0.2, (5, 1)) + rng.normal(0, 1, 20)[units] + rng.normal(0, 0.5, (5, 100))
        low, high = samples.two_way(table, units) or (0, 0)
        covered += low <= 0 <= high
        low, high = samples.two_way(table) or (0, 0)
        alone += low <= 0 <= high
    assert 0.93 < covered / trials < 0.985
    assert alone / trials < 0.8


def test_entities_of_different_size_keep_the_mean() -> None:
    values, units = np.array([[1.0, 2.0, 3.0, 10.0]]), np.array([0, 0, 0, 1])
    assert samples.by_unit(values, units).mean() == values.mean()


def test_too_little_to_tell() -> None:
    assert samples.two_way(np.ones((1, 9))) is None
    assert samples.two_way(np.ones((5, 9))) == (1.0, 1.0)


def test_both_sources_together_are_never_narrower_than_one() -> None:
    table = RNG(4).normal(0, 1, (2, 1)) + RNG(5).normal(0, 1, (2, 40))
    low, high = samples.two_way(table) or (0, 0)
    for axis, n in ((1, 2), (0, 40)):
        alone = stats.t.interval(0.95, n - 1, table.mean(), stats.sem(table.mean(axis=axis)))
        assert low <= alone[0] + 1e-9
        assert alone[1] - 1e-9 <= high


def test_two_methods_without_seeds_are_paired_by_sample() -> None:
    a, b = RNG(2).normal(0.1, 1, 50), RNG(3).normal(0, 1, 50)
    found, expected = samples.over_samples(a - b), stats.ttest_rel(a, b)
    assert found.p == pytest.approx(expected.pvalue)
    units = np.repeat(np.arange(10), 5)
    means = (a - b).reshape(10, 5).mean(axis=1)
    assert samples.over_samples(a - b, units).p == pytest.approx(stats.ttest_1samp(means, 0).pvalue)


def test_mcnemar_is_an_exact_binomial_of_those_that_differ() -> None:
    a = np.array([True] * 12 + [False] * 4 + [True] * 30)
    b = np.array([False] * 12 + [True] * 4 + [True] * 30)
    assert samples.mcnemar(a, b) == (12, 4, pytest.approx(stats.binomtest(12, 16).pvalue))
    assert samples.mcnemar(a, a) == (0, 0, 1.0)


def test_what_a_sample_adds_is_what_the_harness_averages() -> None:
    probabilities = RNG(4).dirichlet(np.ones(3), 40).astype(np.float32)
    ids, labels = [f"s{row}" for row in range(40)], RNG(5).integers(0, 3, 40)
    stored = Predictions(ids=ids, targets=labels, probabilities=probabilities)
    task = Task(kind="classification", classes=3, primary="accuracy")
    metrics = evaluate(stored, task, second=False)
    for name in ("accuracy", "nll", "brier"):
        found = samples.each(stored, task, name)
        assert found is not None
        assert found.mean() == pytest.approx(metrics[name].value, rel=1e-12)
    assert samples.each(stored, task, "ece") is None
    values = Predictions(ids=ids, targets=labels.astype(np.float32), value=labels.astype(np.float32) + 0.5)
    assert samples.each(values, Task(kind="regression", primary="rmse"), "rmse") is None
