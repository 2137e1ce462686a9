"""What sort of thing a value is, to whoever goes through all that some objects hold."""

import io
from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor

from receipts.training.holders import LIBRARIES
from receipts.training.plain import SIMPLE, is_strided

SMALL = 2**16  # bytes of what a loader holds; larger tensors and arrays are samples


def memory(tensor: Any) -> int:
    """Where a tensor's numbers lie; 0 where they do not lie in one piece of memory."""
    return tensor.untyped_storage().data_ptr() if isinstance(tensor, Tensor) and tensor.layout == torch.strided else 0


def values(container: Any) -> list[Any]:
    """What a container holds."""
    return list(container.values() if isinstance(container, dict) else container)


def holds_samples(value: Any) -> bool:
    """Whether something of a loader is data: a large tensor or array, or a container of anything but simple values."""
    if isinstance(value, Tensor | np.ndarray):
        return not (isinstance(value, np.ndarray) or is_strided(value)) or value.nbytes > SMALL
    is_row = isinstance(value, dict | list | tuple | deque | set | frozenset)
    return is_row and any(type(each) not in SIMPLE for each in values(value))


def is_of_library(kind: type) -> bool:
    """Whether a class is Lightning's, torch's or ours."""
    return kind.__module__.partition(".")[0] in LIBRARIES


def is_opaque(value: Any) -> bool:
    """Whether it is an iterator, or numbers that do not simply lie in memory: nobody can look into it."""
    is_long = isinstance(value, dict | list | tuple | deque | Tensor | np.ndarray)
    return is_long or (hasattr(value, "__next__") and not isinstance(value, io.IOBase))


def is_stateful(value: Any) -> bool:
    """Whether something of a library gives its state away, and takes it back."""
    return is_of_library(type(value)) and hasattr(value, "state_dict") and hasattr(value, "load_state_dict")
