"""What shuffling the digits before splitting would have claimed: the linear model of conf/logreg.yaml, three ways.

python benchmarks/shuffled_split.py

`contiguous` is the split that the project uses; `rotated` moves the same blocks round the file, so that every fifth of
it is the test block once; `shuffled` puts every writer on both sides, 20 times. All train on 60 % and test on 20 %.
"""

import statistics

import numpy as np
from measure import ROOT, tell
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lab.digits import Digits

SEEDS = range(20)
BLOCKS = 5


def accuracy(digits: Digits, order: np.ndarray) -> float:
    """Test accuracy after training on the first 60 % of an order and testing on its last 20 %."""
    n = len(order)
    train, test = order[: int(0.6 * n)], order[int(0.8 * n) :]
    x, y = digits.inputs.reshape(n, -1), digits.targets
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000)).fit(x[train], y[train])
    return float(model.score(x[test], y[test]))


def summary(values: list[float]) -> dict[str, object]:
    """Values in four decimals, their mean, spread and extremes."""
    return {
        "mean": round(statistics.mean(values), 4),
        "sd": round(statistics.stdev(values), 4),
        "lowest": round(min(values), 4),
        "highest": round(max(values), 4),
        "values": [round(value, 4) for value in values],
    }


if __name__ == "__main__":
    digits = Digits(str(ROOT / "data" / "digits.csv.gz"))
    rows = np.arange(len(digits.ids))
    rotated = [np.roll(rows, -round(block * len(rows) / BLOCKS)) for block in range(BLOCKS)]
    shuffled = [np.random.default_rng(seed).permutation(rows) for seed in SEEDS]
    tell(
        "shuffled split",
        what="test accuracy of logistic regression on standardised pixels",
        contiguous=round(accuracy(digits, rows), 4),
        rotated=summary([accuracy(digits, order) for order in rotated]),
        shuffled=summary([accuracy(digits, order) for order in shuffled]),
    )
