"""The second source of error: that the test split is a sample. From stored predictions, sample by sample.

Where samples share an entity, the entities are what was drawn. All differences are oriented: positive is better.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from receipts.evaluation.interval import entities, losses
from receipts.evaluation.metrics import arrays, scored_as
from receipts.report.comparing import Difference
from receipts.report.intervals import LEVEL, Values

if TYPE_CHECKING:
    from receipts.config.schema import Task
    from receipts.evaluation.predictions import Predictions

Matrix = NDArray[np.float64]


def each(predictions: "Predictions", task: "Task", metric: str) -> Values | None:
    """What every sample adds to a metric that is a mean over samples (N,); None for any other metric."""
    truth, stated = arrays(predictions, task)
    if metric == "rmse":
        return None  # a root of a mean is no mean
    found = losses(truth, stated, len(predictions), scored_as(task)).get(metric)
    return None if found is None else np.asarray(found, dtype=np.float64)


def units_of(predictions: "Predictions") -> NDArray[np.int64] | None:
    """The number of each sample's entity (N,); None where every sample stands for itself."""
    return entities(predictions)


def by_unit(values: Matrix, units: NDArray[np.int64] | None) -> Matrix:
    """Differences (S, N) as one column per entity (S, G), scaled so that the row's mean stays what it was."""
    if units is None:
        return values
    groups = int(units.max()) + 1
    summed = np.stack([np.bincount(units, row, groups) for row in values])
    return np.asarray(summed * (groups / values.shape[1]), dtype=np.float64)


def two_way(values: Matrix, units: NDArray[np.int64] | None = None, level: float = LEVEL) -> tuple[float, float] | None:
    """The interval of a mean difference over seeds and samples, both drawn at random: values (S, N).

    Var = (MS_seeds + MS_samples - MS_rest) / (S · N), Satterthwaite's degrees of freedom; never narrower than either
    source alone. None with fewer than two seeds or units.
    """
    table = by_unit(values, units)
    seeds, n = table.shape
    if seeds < 2 or n < 2:
        return None
    mean, rows, columns = float(table.mean()), table.mean(axis=1), table.mean(axis=0)
    of_seeds = n * float(((rows - mean) ** 2).sum()) / (seeds - 1)
    of_samples = seeds * float(((columns - mean) ** 2).sum()) / (n - 1)
    rest = float(((table - rows[:, None] - columns[None, :] + mean) ** 2).sum()) / ((seeds - 1) * (n - 1))
    total = max(of_seeds + of_samples - rest, of_seeds, of_samples)
    below = of_seeds**2 / (seeds - 1) + of_samples**2 / (n - 1) + rest**2 / ((seeds - 1) * (n - 1))
    if not below:
        return mean, mean
    parts = ((total, max(total**2 / below, 1.0)), (of_seeds, seeds - 1), (of_samples, n - 1))
    half = max(float(stdtrit(df, 0.5 + level / 2)) * math.sqrt(square / (seeds * n)) for square, df in parts)
    return mean - half, mean + half


def over_samples(values: Values, units: NDArray[np.int64] | None = None) -> Difference:
    """Two methods without seeds: the mean difference over samples (N,), or over entities with all of theirs."""
    row = by_unit(values[None, :], units)[0]
    n = len(row)
    spread = float(row.std(ddof=1)) if n > 1 else 0.0
    what = "samples" if units is None else "entities"
    return Difference(float(values.mean()), spread / math.sqrt(n), max(n - 1, 1), n, spread, f"paired t over {what}")


def mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int, float]:
    """How often only `a` is right, how often only `b`, and the exact two-sided p that both are equally often (N,)."""
    from scipy.stats import binomtest

    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 0, 0, 1.0
    return only_a, only_b, float(binomtest(only_a, only_a + only_b, 0.5).pvalue)
