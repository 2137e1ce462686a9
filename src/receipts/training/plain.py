"""Python's own values as plain data: what a point can hold, and what is read again without running anybody's code.

Numbers and texts stand for themselves; everything else is a tuple that begins with its kind.
"""

import enum
import hashlib
from collections import Counter, OrderedDict, deque
from pathlib import PureWindowsPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

LONG = 100_000  # elements of a container; longer ones hold samples
LARGE = 2**26  # bytes of a tensor or an array; larger ones hold data
SIMPLE = (type(None), bool, int, float, str)
ROWS: dict[str, Any] = {kind.__name__: kind for kind in (list, tuple, set, frozenset, deque)}
PAIRS: dict[str, Any] = {kind.__name__: kind for kind in (dict, OrderedDict, Counter)}


class NotPlain(TypeError):
    """A value that is no plain data, or holds some that is none."""


def packed(value: Any, above: tuple[int, ...] = ()) -> Any:
    """A value as numbers, texts, tensors, and tuples and lists of them. `NotPlain` if not, or if it holds itself."""
    kind = type(value)
    if kind in SIMPLE:
        return value
    if kind is bytes:  # as text: empty ones are stored as a call, which nobody makes when reading
        return ("bytes", value.hex())
    if (is_strided(value) or kind is np.ndarray) and value.nbytes > LARGE:
        raise NotPlain(f"{value.nbytes:,} bytes")
    if is_strided(value):
        return ("tensor", value.detach().clone().cpu())
    if (kind is np.ndarray or isinstance(value, np.generic)) and value.dtype.kind in "biufcSUmM":
        return ("array", value.dtype.str, value.shape, value.tobytes().hex(), isinstance(value, np.generic))
    if isinstance(value, enum.Enum) and not above:  # within a container nobody would know its class
        return ("member", kind.__name__, value.name)
    if id(value) in above:
        raise NotPlain(f"{kind.__name__} within itself")
    above = (*above, id(value))
    if isinstance(value, dict) and len(value) <= LONG:
        return ("pairs", kind.__name__, [(packed(key, above), packed(entry, above)) for key, entry in value.items()])
    if kind is ROWS.get(kind.__name__) and len(value) <= LONG:
        every = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return ("row", kind.__name__, [packed(entry, above) for entry in every], getattr(value, "maxlen", None))
    raise NotPlain(kind.__name__)


def is_strided(value: Any) -> bool:
    """Whether it is a tensor and nothing more, whose numbers lie in memory: none that is sparse, nested or a weight."""
    return type(value) is Tensor and value.layout == torch.strided and not (value.is_nested or value.is_meta)


def unpacked(found: Any) -> Any:
    """The value again, its tensors on the CPU. Raises `NotPlain` for a dictionary of a class of somebody's own."""
    match found:
        case ("tensor", tensor):
            return tensor
        case ("bytes", text):
            return bytes.fromhex(text)
        case ("array", kind, shape, content, is_number):
            array = np.frombuffer(bytes.fromhex(content), np.dtype(kind)).reshape(shape).copy()
            return array[()] if is_number else array
        case ("pairs", kind, pairs) if kind in PAIRS:
            made = PAIRS[kind]()
            made.update(entries(pairs))
            return made
        case ("row", kind, row, longest):
            values = [unpacked(entry) for entry in row]
            return deque(values, longest) if kind == "deque" else ROWS[kind](values)
        case (kind, *_):
            raise NotPlain(kind)
    return found


def entries(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Keys and values of a dictionary."""
    return {unpacked(key): unpacked(value) for key, value in pairs}


def given_back(found: Any, now: Any) -> Any:
    """The value again; written into the object that is there now wherever others may hold that, too."""
    match found:
        case ("member", kind, name) if isinstance(now, enum.Enum) and type(now).__name__ == kind:
            return type(now)[name]
        case ("tensor", tensor) if isinstance(now, Tensor):
            alike = (now.shape, now.dtype) == (tensor.shape, tensor.dtype)
            if not alike or now.is_inference() or not now.is_contiguous():
                return tensor.to(now.device)
            now.data.copy_(tensor)
            return now
        case ("pairs", kind, pairs) if type(now).__name__ == kind:
            now.clear()
            now.update(entries(pairs))
            return now
    value = unpacked(found)
    if type(now) is not type(value) or not isinstance(now, list | deque | set):
        return value
    now.clear()
    now.update(value) if isinstance(now, set) else now.extend(value)
    return now


def leads_out(found: Any) -> bool:
    """Whether a packed value holds a text that is a path from a root, or one that goes up: a point may be anybody's."""
    if isinstance(found, str):
        path = PureWindowsPath(found)  # which knows the roots of other systems, too
        return bool(path.drive or path.root) or ".." in path.parts
    return isinstance(found, list | tuple) and any(map(leads_out, found))


def digest(found: Any) -> str:
    """What a packed value is known by: the same for equal ones."""
    sha = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, Tensor):
            sha.update(f"{part.dtype} {tuple(part.shape)} ".encode())
            sha.update(part.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        elif isinstance(part, tuple) or (isinstance(part, list) and any(type(one) not in SIMPLE for one in part)):
            sha.update(f"{len(part)} of ".encode())
            for one in part:
                add(one)
        else:
            sha.update(f"{type(part).__name__} {part!r} ".encode())

    add(found)
    return sha.hexdigest()
