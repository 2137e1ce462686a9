"""The second opinion: every metric once more by torchmetrics, and the demand that the two agree.

One of the three files whose hash stands in every record. Imported only when a run is scored, for it costs torch and
torchmetrics. Nothing of `metrics` is used, not even the most probable class. Where torchmetrics 1.9 is not exact or
has no such metric, the comment says what is done instead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isclose
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import nll_loss, one_hot
from torchmetrics.functional import classification as tm
from torchmetrics.functional import regression as tr

from receipts.refusal import CheckFailed
from receipts.runs.record import Metric

EXACT = 1e-9  # both sides in float64; measured: below 1e-12
SINGLE = 1e-6  # ratios of counts, which torchmetrics takes in float32; measured: below 1e-7


def cross_check(metrics: dict[str, Metric], truth: NDArray[Any], stated: NDArray[Any]) -> None:
    """Give each metric that has a value its `second`; raise `CheckFailed` where value and second differ.

    `truth` and `stated` are classes (N,) and probabilities (N, K), or true and stated values, (N,) each.
    """
    targets, outputs = torch.tensor(truth), torch.tensor(stated)
    apart = []
    with float64():
        for name, metric in metrics.items():
            if metric.value is not None:
                compute, tolerance = SECOND[name]
                metric.second = float(compute(outputs, targets))
                if not agree(metric.value, metric.second, tolerance):
                    apart.append(f"{name} is {metric.value!r} by NumPy and {metric.second!r} by torchmetrics")
    if apart:
        raise CheckFailed(
            "second-implementation",
            "; ".join(apart),
            "a number that depends on who computes it is no result",
            "report it with the predictions file: one of the two implementations is wrong here",
        )
