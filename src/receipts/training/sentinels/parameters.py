"""Parameters as a fit finds them: by name, in a layer, in an optimizer, and what is declared of them."""

from fnmatch import fnmatch
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.optim import Optimizer

from receipts.refusal import Refusal

UNITS, APART = 4, 1e-5  # the fewest units that can be too alike, and how far they are apart, of the largest weight


def refuse_unmatched(patterns: list[str], names: list[str]) -> None:
    """A declared pattern that no parameter answers to: a misspelling would declare nothing."""
    for pattern in patterns:
        if not any(is_declared(name, [pattern]) for name in names):
            raise Refusal(
                f"facts.frozen names {pattern!r}, and no parameter answers to it",
                f"there are {', '.join(names[:6])}{' …' if len(names) > 6 else ''}",
                "correct the pattern: backbone, backbone.* and *.bias are ways to say it",
            )


def is_declared(name: str, patterns: list[str]) -> bool:
    """Whether a parameter is meant by one of the patterns: its name, the beginning of it, or a shell pattern."""
    return any(fnmatch(name, pattern) or name.startswith(f"{pattern}.") for pattern in patterns)


def strangers(optimizers: list[Optimizer], named: dict[str, Any], strays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors that an optimizer holds and the module does not, however deep one looks."""
    known = {id(tensor) for tensor in (*named.values(), *strays.values())}
    found = [tensor for tensor in in_groups(optimizers) if id(tensor) not in known]
    return {f"tensor {number} of the optimizers": tensor for number, tensor in enumerate(found)}


def in_groups(optimizers: list[Optimizer]) -> list[Tensor]:
    """Every tensor that an optimizer holds."""
    return [tensor for optimizer in optimizers for group in optimizer.param_groups for tensor in group["params"]]


def are_alike(tensor: Tensor, layer: nn.Module) -> bool:
    """Whether all units of a layer have one and the same weights: begun alike, they learn alike."""
    if tensor.dim() < 2 or len(tensor) < UNITS or not isinstance(layer, nn.Linear | _ConvNd):
        return False
    weights = tensor.detach()
    largest = float(weights.abs().max())
    return largest > 0 and float((weights - weights[:1]).abs().max()) < APART * largest


def owner(module: nn.Module, name: str) -> nn.Module:
    """The layer that a parameter belongs to."""
    return module.get_submodule(name.rpartition(".")[0])


def is_empty(gradient: Tensor | None) -> bool:
    """Whether there is no gradient, or nothing but zeros."""
    return gradient is None or not bool(values(gradient).any())


def values(gradient: Tensor) -> Tensor:
    """The stored numbers of a gradient, sparse or not."""
    return gradient._values() if gradient.is_sparse else gradient


def counted(names: list[str], total: int) -> str:
    """A few names, and how many there are in all."""
    more = f" and {total - len(names)} more" if total > len(names) else ""
    return ", ".join(names[:6]) + more
