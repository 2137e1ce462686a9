"""Whether the prediction for one sample depends on which others stand in its batch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from receipts.training.method import Outputs
from receipts.training.sentinels.influence import distance

SEEN = 1e-3  # relative; the order in which a kernel adds up stays below


def mixed(predict: Callable[[Any], Outputs], x: Any, n: int) -> float:
    """How far predictions of one half of a batch of n move when the other half becomes copies of one of its rows.

    Relative to the largest value: 0 where samples are independent. Needs no gradient, so indices will do as well.
    """
    half = n // 2
    front, back = torch.arange(n) < half, torch.arange(n) >= half
    before = predict(x)
    moved = 0.0
    for kept, source in ((front, n - 1), (back, 0)):
        rows = torch.where(kept, torch.arange(n), source)
        after = predict(at(x, rows))
        moved = max(moved, distance(part(before, kept), part(after, kept)))
    return moved


def at(x: Any, rows: Tensor) -> Any:
    """Rows of a batch, however it is nested."""
    if isinstance(x, dict):
        return {key: at(value, rows) for key, value in x.items()}
    if isinstance(x, tuple | list):
        return type(x)(at(value, rows) for value in x)
    return x[rows.to(x.device)] if isinstance(x, Tensor) else x


def part(outputs: Outputs, kept: Tensor) -> Outputs:
    """Outputs of some rows."""
    chosen = kept.numpy()
    return {key: value[chosen] for key, value in outputs.items()} if isinstance(outputs, dict) else outputs[chosen]
