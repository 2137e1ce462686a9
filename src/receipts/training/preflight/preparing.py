"""Whether training and predicting hand the network the same inputs: nobody scales them in one place only.

What augmentation changes is drawn, so it differs from seed to seed; what a norm changes goes with the batch; whatever
crops, shifts or hides is no rule from number to number. Only inputs that are scaled or shifted in one fixed way, the
same for every row, count.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from receipts.checks.catalogue import failed, not_run, passed
from receipts.runs.record import Check

NAME = "inputs-prepared-otherwise"
FEWEST = 8  # rows, through which a straight line would not go by chance
EXACT = 1e-4  # of the deviation
SAME = 0.2  # of it, by which numbers move less where somebody follows statistics of batches by a running mean


def check(module: nn.Module, predict: Callable[[], object], train: Callable[[int, int], object], n: int) -> Check:
    """The first layer's inputs while a batch of n is predicted and, under two seeds, while it is trained on.

    `train` makes a training step of the first rows of the batch, under a seed.
    """
    if n < FEWEST:
        return not_run(NAME, "a batch has too few rows")
    met = overheard(module, predict, n)
    if not met:
        return not_run(NAME, "no layer of the module is called with one row a sample")
    name, predicted = next(iter(met.items()))
    one, other = (overheard(module, partial(train, seed, n), n).get(name) for seed in (1, 2))
    if one is None or other is None or one.shape != predicted.shape:
        return passed(NAME, f"{name} is used otherwise while training")
    if not torch.equal(one, other):
        return passed(NAME, f"what {name} is given while training is drawn anew each time")
    least = SAME if predicted.is_floating_point() else 0.0  # an index means another thing next to it
    one, predicted = one.double(), predicted.double()
    apart = float((one - predicted).square().mean().sqrt())
    if apart <= least * float(predicted.std()) or not is_line(predicted, one):
        return passed(NAME, f"{name} is given the same rows while training and predicting")
    half = overheard(module, partial(train, 1, n // 2), n // 2).get(name)
    if half is None or not torch.allclose(half.double(), one[: n // 2], atol=EXACT * float(one.std())):
        return passed(NAME, f"what {name} is given while training depends on the batch, as of a norm")
    return failed(NAME, f"{name} is given {told(one)} by training_step, and {told(predicted)} by predict_step")


def is_line(before: Tensor, after: Tensor) -> bool:
    """Whether every number of a row became another one by a straight line of its own, the same for all rows."""
    x, y = before.reshape(len(before), -1), after.reshape(len(after), -1)
    x, y = x - x.mean(0), y - y.mean(0)
    slope = (x * y).sum(0) / (x * x).sum(0).clamp(min=1e-12)
    return bool(float((y - slope * x).abs().max()) <= EXACT * max(float(after.std()), float(before.std()), 1e-12))


def told(given: Tensor) -> str:
    """The moments of some numbers."""
    return f"a mean of {float(given.mean()):.3g} and a deviation of {float(given.std()):.3g}"


def overheard(module: nn.Module, run: Callable[[], object], n: int) -> dict[str, Tensor]:
    """What each layer is called with at first, if that has a row for each of n samples, in the order of the calls."""
    met: dict[str, Tensor] = {}
    with listening(module, met, n):
        run()
    return met


@contextmanager
def listening(module: nn.Module, met: dict[str, Tensor], n: int) -> Iterator[None]:
    """Hooks on every layer that has no others in it."""

    def note(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
            first = given[0] if given else None
            if name not in met and isinstance(first, Tensor) and first.dim() and len(first) == n:
                met[name] = first.detach().clone()

        return hook

    leaves = [(name, part) for name, part in module.named_modules() if name and not any(part.children())]
    handles = [part.register_forward_pre_hook(note(name)) for name, part in leaves]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
