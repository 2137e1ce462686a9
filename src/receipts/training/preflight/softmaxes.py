"""Whether predictions went through a softmax twice: the second one makes certainties of any size nearly equal."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from receipts.training.method import Outputs
from receipts.training.preflight.contracts import OVER_CLASSES, is_distribution


class Softmaxes(TorchFunctionMode):
    """Keeps what every softmax of probabilities returned while a batch is predicted."""

    def __init__(self) -> None:
        super().__init__()
        self.returned: list[np.ndarray[Any, Any]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Make a call, and keep what it returned if it was given probabilities."""
        given = func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():
            first = args[0] if args else (kwargs or {}).get("input")
            if func in OVER_CLASSES and isinstance(first, Tensor) and first.dim() == 2 and is_distribution(first):
                self.returned.append(given.detach().float().cpu().numpy())
        return given

    def twice(self, outputs: Outputs) -> str | None:
        """What is wrong with a prediction; None where nothing is."""
        named = outputs if isinstance(outputs, dict) else {"": outputs}
        if "logits" in named and is_distribution(torch.as_tensor(named["logits"])):
            return "predict_step returns probabilities under the name of logits, of which a softmax is taken"
        for said in named.values():
            if any(said.shape == one.shape and np.allclose(said, one, atol=1e-6) for one in self.returned):
                return "what predict_step returns is the softmax of rows that are probabilities already"
        return None
