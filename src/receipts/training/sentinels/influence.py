"""Whether parameters have a say in the predictions: shaken a little, do those of one batch change?

What stands still matters only if it does. A perceptual loss's network, a pooling layer that nobody calls or an expert
that no sample was sent to may stay as they are; a layer on the way to the prediction may not.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from receipts.provenance.determinism import aside
from receipts.training.method import Outputs
from receipts.training.validation import arrays

NAMED = 8  # how many are tried one by one, to be named
SEEN = 1e-4  # relative; what softmax leaves of a shift it ignores is smaller


def influential(trainer: Trainer, module: LightningModule, x: Any, tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of those tensors that change the predictions for a batch of inputs; of many, the first few and their count.

    Everything is put back, to the last bit.
    """
    if not tensors:
        return []
    with in_evaluation(module), aside(0):
        before = predict(trainer, module, x)
        noise = distance(before, predict(trainer, module, x))
        if not differs(trainer, module, x, list(tensors.values()), before, noise):
            return []
        tried = list(tensors.items())[:NAMED]
        found = [name for name, tensor in tried if differs(trainer, module, x, [tensor], before, noise)]
    return found or list(tensors)[:1]


def differs(
    trainer: Trainer, module: LightningModule, x: Any, tensors: list[Tensor], before: Outputs, noise: float
) -> bool:
    """Whether predictions move by more than their own noise when these tensors are shaken."""
    with shaken(tensors):
        return distance(before, predict(trainer, module, x)) > max(SEEN, 10 * noise)


def predict(trainer: Trainer, module: LightningModule, x: Any, seed: int = 1) -> Outputs:
    """One batch's predictions under a seed of their own."""
    with torch.no_grad(), aside(seed), trainer.precision_plugin.predict_step_context():
        own = trainer.precision_plugin.convert_input(copy.deepcopy(x))  # a module may write into it
        return arrays(module.predict_step(own, 0))


@contextmanager
def in_evaluation(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode, and every part of it back in its own."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


@contextmanager
def shaken(tensors: list[Tensor]) -> Iterator[None]:
    """Tensors with noise of their own size added; their versions stay, so that no graph notices."""
    before = [tensor.data.clone() for tensor in tensors]
    generator = torch.Generator().manual_seed(0)
    for tensor in tensors:
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator).to(tensor.device, tensor.dtype)
            tensor.data.add_(noise * (tensor.data.abs().mean() + 0.1))
    try:
        yield
    finally:
        for tensor, kept in zip(tensors, before, strict=True):
            tensor.data.copy_(kept)


def distance(one: Outputs, other: Outputs) -> float:
    """The largest difference between two outputs, relative to the largest value; infinite where one is not finite."""
    named, others = (value if isinstance(value, dict) else {"": value} for value in (one, other))
    found = 0.0
    for key, a in named.items():
        if a.dtype.kind in "fiub":
            gap = float(np.abs(a.astype(np.float64) - others[key].astype(np.float64)).max(initial=0.0))
            size = max(float(np.abs(a).max(initial=0.0)), 1e-12)
            found = max(found, gap / size if np.isfinite(gap) else np.inf)
    return found
