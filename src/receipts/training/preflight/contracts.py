"""What losses are given: every call of torch's own is looked at while a training step runs.

Probabilities where logits are wanted, or the other way round, train slowly and quietly; shapes that broadcast make a
loss of every prediction against every target.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

CLOSE = 1e-3  # how near to one a row of probabilities adds up
CUT, ENOUGH = 0.02, 64  # a share of exact zeros among logits of which none is negative, and how many can tell
SQUASHED = {torch.sigmoid, torch.Tensor.sigmoid, functional.sigmoid, torch.softmax, functional.softmax, Tensor.softmax}
CLAMPED = {torch.clamp, Tensor.clamp, torch.clip, Tensor.clip}
BOUNDED = {torch.tanh, Tensor.tanh, functional.tanh}
DIFFERENCES = {torch.sub, Tensor.sub, Tensor.__sub__, Tensor.__rsub__}
PAIRED = {functional.mse_loss, functional.l1_loss, functional.smooth_l1_loss, functional.huber_loss}
PAIRED |= {functional.gaussian_nll_loss, functional.poisson_nll_loss}
OVER_CLASSES = {torch.softmax, functional.softmax, Tensor.softmax}
OVER_CLASSES |= {torch.log_softmax, functional.log_softmax, Tensor.log_softmax}

WEIGHTED = {functional.cross_entropy, functional.nll_loss}
STRAIGHT = (0.8, 1.25)  # the slope of the logarithm of weights on that of frequencies which makes one of the other
UNEVEN, TOGETHER = 1.5, 0.95  # how far class sizes must be apart to tell, and how well weights must go with them

OF_LOGITS = {functional.cross_entropy, functional.binary_cross_entropy_with_logits}


class Kept:
    """Tensors that were seen to come out of some function; held, so that no address is used twice."""

    def __init__(self) -> None:
        self.tensors: list[tuple[Tensor, int]] = []

    def keep(self, given: Tensor) -> None:
        """Keep one as it is now: a tensor counts what is done to it in place."""
        self.tensors.append((given, given._version))

    def holds(self, given: Tensor) -> bool:
        """Whether a tensor is one of these still, be it in another shape."""
        return any(
            (given.data_ptr(), given.numel(), given._version) == (one.data_ptr(), one.numel(), version)
            for one, version in self.tensors
        )


class Contracts(TorchFunctionMode):
    """Collects broken promises, check to sentence.

    `y` is the batch's target, `classes` how many there are, `counts` how often each occurs in train.
    """

    def __init__(self, y: Any, classes: int | None, counts: list[int] | None = None) -> None:
        super().__init__()
        self.y, self.classes, self.counts = y, classes, counts or []
        self.broken: dict[str, str] = {}
        self.squashed, self.bounded = Kept(), Kept()
        self.calls = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at a call, and make it."""
        kwargs = kwargs or {}
        given = func(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            self.look(func, args, kwargs, given)
        return given

    def look(self, func: Any, args: Any, kwargs: dict[str, Any], given: Any) -> None:
        """What a call says of the loss."""
        first = args[0] if args else kwargs.get("input")
        second = args[1] if len(args) > 1 else kwargs.get("target", kwargs.get("other"))
        if func in SQUASHED and isinstance(given, Tensor):
            self.squashed.keep(given)
        if func in BOUNDED:
            self.bounded.keep(given)
        if not isinstance(first, Tensor):
            return
        if func in CLAMPED and isinstance(given, Tensor) and self.squashed.holds(first):
            self.squashed.keep(given)
        if func in WEIGHTED:
            self.look_at_weights(args[2] if len(args) > 2 else kwargs.get("weight"))
        if func in OVER_CLASSES:
            self.look_at_softmax(first, args[1] if len(args) > 1 else kwargs.get("dim"))
        elif func is functional.cross_entropy and is_distribution(first):
            self.note("loss-wants-logits", "cross_entropy is given rows that are probabilities already")
        elif func in OF_LOGITS and self.squashed.holds(first):
            self.note("loss-wants-logits", f"{func.__name__} is given what a sigmoid or softmax returned")
        elif func is functional.cross_entropy and self.bounded.holds(first):
            self.note("logits-cut-off", "cross_entropy is given what a tanh returned: none is below -1 or above 1")
        elif func in OF_LOGITS and is_cut_off(first):
            self.note("logits-cut-off", f"{func.__name__} is given {zeros(first):.0%} exact zeros and nothing below")
        elif func is functional.nll_loss and first.dim() > 1 and not is_log_distribution(first):
            what = "probabilities" if is_distribution(first) else "numbers that no log_softmax made"
            self.note("loss-wants-log-probabilities", f"nll_loss is given {what}")
        elif func is functional.kl_div and first.dim() > 1 and is_distribution(first):
            self.note("loss-wants-log-probabilities", "kl_div is given probabilities as its input")
        elif isinstance(second, Tensor) and (func in PAIRED or (func in DIFFERENCES and self.is_target(first, second))):
            self.look_at_shapes(getattr(func, "__name__", "a difference"), first, second)
        self.calls += func in PAIRED or getattr(func, "__module__", "") == "torch.nn.functional"

    def look_at_weights(self, weights: Tensor | None) -> None:
        """Class weights that are the classes' own frequencies."""
        if weights is not None and are_frequencies(weights.detach().double().cpu().numpy(), np.array(self.counts)):
            shown = ", ".join(f"{weight:.3g}" for weight in weights[:6].tolist())
            self.note("class-weights-inverted", f"classes of {self.counts[:6]} train rows weigh {shown}")

    def look_at_softmax(self, given: Tensor, dim: int | None) -> None:
        """A softmax over the samples of a batch instead of over classes."""
        if self.classes is None or given.dim() != 2 or given.shape[1] != self.classes:
            return
        if dim in (0, -2) and 1 < given.shape[0] != self.classes and given.shape[0] == len(self.y):
            self.note("softmax-over-batch", f"softmax runs over {given.shape[0]} samples, not {given.shape[1]} classes")

    def look_at_shapes(self, name: str, first: Tensor, second: Tensor) -> None:
        """Two shapes that make more numbers together than either has."""
        try:
            together = math.prod(np.broadcast_shapes(tuple(first.shape), tuple(second.shape)))
        except ValueError:
            return
        if together > max(first.numel(), second.numel()):
            shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
            self.note("loss-broadcasts", f"{name} is given shapes {shapes}, which make {together} differences")

    def is_target(self, first: Tensor, second: Tensor) -> bool:
        """Whether one of two tensors is the batch's own target, and the other has a row for each sample."""
        if not isinstance(self.y, Tensor) or len(self.y) < 2:
            return False
        own = [one.data_ptr() == self.y.data_ptr() and one.numel() == self.y.numel() for one in (first, second)]
        other = second if own[0] else first
        return any(own) and other.dim() > 0 and other.shape[0] == len(self.y) and other.numel() == self.y.numel()

    def note(self, check: str, sentence: str) -> None:
        """Keep the first sentence of a check."""
        self.broken.setdefault(check, sentence)


def are_frequencies(weights: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> bool:
    """Whether weights grow with the sizes of classes, as frequencies do; not told where those hardly differ."""
    if weights.shape != counts.shape or not (weights > 0).all() or not (counts > 0).all():
        return False
    if counts.max() < UNEVEN * counts.min() or weights.std() == 0:
        return False
    x, y = np.log(counts), np.log(weights)
    slope = float(np.polyfit(x, y, 1)[0])
    return STRAIGHT[0] < slope < STRAIGHT[1] and float(np.corrcoef(x, y)[0, 1]) > TOGETHER


def is_distribution(given: Tensor) -> bool:
    """Whether the rows of a tensor (B, K, …) are probabilities over K > 1 classes."""
    if given.dim() < 2 or given.shape[1] < 2 or not given.is_floating_point() or given.shape[0] < 2:
        return False
    values = given.detach().float()
    return bool((values >= 0).all()) and bool(((values.sum(1) - 1).abs() < CLOSE).all())


def is_cut_off(given: Tensor) -> bool:
    """Whether logits end at zero: some are exactly that, others are above, and none is below."""
    if not given.is_floating_point() or given.numel() < ENOUGH or bool((given.detach() < 0).any()):
        return False
    return CUT < zeros(given) < 1


def zeros(given: Tensor) -> float:
    """The share of exact zeros."""
    return float((given.detach() == 0).float().mean())


def is_log_distribution(given: Tensor) -> bool:
    """Whether the rows of a tensor (B, K, …) are logarithms of probabilities; NaN is another check's."""
    if not given.is_floating_point() or not bool(given.isfinite().any()):
        return True
    return bool((given.detach().float().logsumexp(1).abs() < 10 * CLOSE).all())
