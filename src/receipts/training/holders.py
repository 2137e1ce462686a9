"""Where values are put that do not lie in an object's dictionary, and what is known by what that is no plain data."""

import copy
import hashlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from receipts.training.plain import LARGE, SIMPLE, NotPlain

LIBRARIES = ("torch", "lightning", "lightning_fabric", "lightning_utilities", "receipts")
SHARED = (*SIMPLE[1:], list, dict, set, deque, Tensor, np.ndarray)  # what a class may keep for all its objects


class Entries:
    """A dictionary whose keys no point can hold, as layers or members of an enumeration: its values by their order."""

    def __init__(self, entries: dict[Any, Any]) -> None:
        self.entries = entries

    def __setitem__(self, place: int, value: Any) -> None:
        self.entries[list(self.entries)[place]] = value


class Fields:
    """The attributes of a class, or those of an object that lie in its slots, a frozen one's, too."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def __setitem__(self, name: str, value: Any) -> None:
        (type if isinstance(self.owner, type) else object).__setattr__(self.owner, name, value)


def slots(thing: Any) -> Iterator[tuple[str, Any]]:
    """What lies in the slots of an object."""
    for kind in type(thing).__mro__:
        names = vars(kind).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            own = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
            if own not in ("__dict__", "__weakref__") and hasattr(thing, own):
                yield own, getattr(thing, own)


def of_class(kind: type, kinds: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    """What a class itself holds of some kinds: its objects share it."""
    for name, value in list(vars(kind).items()):
        if isinstance(value, kinds) and not name.startswith(("__", "_abc_")):
            yield name, value


@contextmanager
def classes_aside(module: nn.Module) -> Iterator[None]:
    """Let a copy of a module, which shares its classes, find copies of what those hold, and leave them as they were."""
    package = type(module).__module__.partition(".")[0]
    kinds = {kind for part in module.modules() for kind in type(part).__mro__}
    own = [kind for kind in kinds if kind.__module__.partition(".")[0] == package and package not in LIBRARIES]
    before = [(kind, name, value) for kind in own for name, value in of_class(kind, SHARED)]
    for kind, name, value in before:
        type.__setattr__(kind, name, copy.deepcopy(value))
    try:
        yield
    finally:
        for kind, name, value in before:
            type.__setattr__(kind, name, value)


class Digest:
    """A file that keeps nothing but a digest of what is written into it."""

    def __init__(self) -> None:
        self.sha, self.size = hashlib.sha256(), 0

    def write(self, part: Any) -> None:
        """Take in a part; `NotPlain` where it is as much as data are."""
        self.size += memoryview(part).nbytes
        if self.size > LARGE:
            raise NotPlain(f"{self.size:,} bytes")
        self.sha.update(part)

    def flush(self) -> None:
        """Nothing is held back."""


def likeness(value: Any) -> str:
    """What something is known by that no point can hold: what torch would store of it, or which object it is."""
    into = Digest()
    try:
        torch.save(value, cast("IO[bytes]", into))
    except Exception:  # noqa: BLE001 - whatever somebody's object says to being stored
        return f"{id(value)}"
    return into.sha.hexdigest()
