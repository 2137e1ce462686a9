"""What a module has logged in an epoch so far: kept in a point, and added to what it logs after it."""

from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor


def has_something(metric: Any) -> bool:
    """Whether a value has been logged in this epoch and counts at its end."""
    return bool(metric.meta.on_epoch and not metric.has_reset)


def so_far(metric: Any) -> dict[str, Any]:
    """What Lightning has added up of one logged value, under which names it is read, and how processes add theirs."""
    meta = metric.meta
    kept = {"value": metric.value, "names": [*{meta.name, meta.forked_name(on_step=False)}], "over": None}
    if meta.sync.should and not meta.sync.rank_zero_only:
        kept["over"] = meta.sync.op
    return kept | ({"n": metric.cumulated_batch_size} if meta.is_mean_reduction else {})


def of_epoch(before: dict[str, Any], trainer: Trainer) -> Tensor:
    """What an epoch comes to of a value that was logged before a point only."""
    parts = [before[name].to(trainer.strategy.root_device) for name in ("value", "n") if name in before]
    if before.get("over") is not None:
        parts = [trainer.strategy.reduce(part.clone(), reduce_op=before["over"]) for part in parts]
    total: Tensor = parts[0]
    return total / parts[1] if "n" in before else total


def combine(metric: Any, before: dict[str, Any]) -> None:
    """Add what was logged before a point to what was logged once since: a sum of two, exact in either order."""
    value = before["value"].to(metric.value.device)
    if metric.meta.is_mean_reduction or metric.meta.is_sum_reduction:
        metric.value = value + metric.value
    else:
        metric.value = metric.meta.reduce_fx(torch.stack([value, metric.value]))
    if "n" in before:
        metric.cumulated_batch_size = before["n"].to(metric.value.device) + metric.cumulated_batch_size
    metric._computed = None
