"""What arrives at the first layer of a network that has weights, whatever it does to its inputs before."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

FEW = 8
OWN_SCALE = ("Norm", "Embedding")  # layers that take numbers of any size


class Arrived(Exception):
    """The first layer with weights was reached."""


@dataclass(frozen=True)
class Meal:
    """The kind of the layer, and the largest number that it was given."""

    layer: str
    largest: float

    @property
    def takes_any(self) -> bool:
        """Whether the layer takes numbers of any size."""
        return any(word in self.layer for word in OWN_SCALE)


def first_meal(module: Any, inputs: np.ndarray[Any, Any]) -> Meal | None:
    """What the first layer with weights of its own is given when a few rows are predicted by a copy of the module.

    None where it is never reached, or the module does not get that far outside of a trainer.
    """
    import torch

    found: list[Meal] = []

    def look(layer: Any, given: Any) -> None:
        numbers = [one for one in given if isinstance(one, torch.Tensor) and one.numel()]
        if numbers:
            found.append(Meal(type(layer).__name__, max(float(one.detach().abs().max()) for one in numbers)))
            raise Arrived

    try:
        twin = copy.deepcopy(module).cpu().eval()
        for layer in twin.modules():
            if any(True for _ in layer.parameters(recurse=False)) and layer is not twin:
                layer.register_forward_pre_hook(look)
        with torch.no_grad():
            twin.predict_step(torch.as_tensor(inputs[:FEW]), 0)
    except Exception:  # noqa: BLE001 - Arrived is the rule; whatever else a module dies of, its own training tells
        pass
    return found[0] if found else None
