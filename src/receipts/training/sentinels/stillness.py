"""Why a parameter stands still, or moves without learning: told by the traces that the first steps left of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from receipts.training.sentinels.parameters import is_empty

EARLY = 3  # optimizer steps after which a parameter without any optimizer is judged
FELT = 8.0  # updates this many times the spacing of numbers around a weight must be seen in it


@dataclass
class Trace:
    """What was seen of one parameter: its first bits, its gradients, its learning rate, how far it was pushed."""

    first: int
    gradients: int = 0
    nonzero: int = 0
    rate: float = 0.0
    push: float = 0.0
    waits: bool = False  # its last gradient was used, and not emptied since
    hooks: list[Any] = field(default_factory=list)


def decays_only(tensor: Tensor, trace: Trace) -> bool:
    """Whether weights moved although every gradient was zero, as weight decay makes them."""
    return tensor.dim() > 1 and trace.gradients > EARLY and trace.nonzero == 0


def reason(tensor: Tensor, traces: Mapping[int, Trace], held: bool, last: bool, owner: nn.Module) -> str | None:
    """Why an undeclared parameter stands still; None where that may be meant, or is not known yet."""
    trace = traces[id(tensor)]
    if not tensor.requires_grad:  # a researcher's own Parameter(…, requires_grad=False) says what it is
        return "frozen-by-mistake" if type(owner).__module__.startswith("torch.nn") else None
    if not held:
        return "outside-optimizer" if last or not is_empty(tensor.grad) else None
    if not last:
        return None
    if trace.rate == 0:
        return "frozen-by-mistake" if any(other.rate > 0 for other in traces.values()) else None
    if trace.gradients == 0 or (trace.nonzero == 0 and tensor.dim() > 1):
        return "no-gradient"
    spacing = torch.finfo(tensor.dtype).eps * float(tensor.detach().abs().max())
    coarse = tensor.dtype in (torch.float16, torch.bfloat16) and tensor.dim() > 1 and trace.nonzero
    return "never-moves" if trace.push > FELT * spacing or coarse else None


def told(check: str, tensor: Tensor, trace: Trace, steps: int) -> str:
    """What was seen of the first of the parameters that a check is about."""
    return {
        "outside-optimizer": "requires_grad is True, no optimizer has it, and it has not moved",
        "frozen-by-mistake": "requires_grad is False, and facts.frozen does not name it"
        if not tensor.requires_grad
        else "its learning rate is 0, and facts.frozen does not name it",
        "moved-though-frozen": "it is not what it was when training began",
        "no-gradient": f"{trace.gradients} gradients in {steps} steps, {trace.nonzero} of them not zero",
        "units-alike": "after an epoch every unit of the layer still has the same weights as the others",
        "never-moves": f"pushed by up to {trace.push:.1e} a step, and the same to the last bit",
    }[check] + f" after {steps} optimizer steps"
