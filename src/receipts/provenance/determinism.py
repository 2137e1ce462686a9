"""Randomness pinned: the one place that touches global generators and backend switches.

Every stream is derived from the run's seed by name, so that one can be read without advancing another.
"""

import hashlib
import os
import random
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def derive(*parts: str | int) -> int:
    """A seed of 63 bits from a name and numbers: BLAKE2b of their repr."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def streams(seed: int) -> dict[str, str]:
    """How every stream of a run is seeded, for the record; the numbers themselves where no epoch enters."""
    return {
        "init": f"derive('init', {seed}) = {derive('init', seed)}",
        "estimator": f"derive('estimator', {seed}) % 2**32 = {derive('estimator', seed) % 2**32}, where left open",
        "order": f"derive('order', {seed}, epoch)",
        "step": f"derive('step', {seed}, rank, epoch, step), for dropout and whatever else draws while training",
        "start": f"derive('start', {seed}, rank, hook), for whatever hooks draw before training begins",
        "move": f"derive('move', {seed}, rank, epoch, step), for a module's hooks that move a batch to its device",
        "epoch": f"derive('epoch', {seed}, rank, epoch), for whatever draws when an epoch begins",
        "augment": f"derive('augment', {seed}, rank, epoch, step)",
        "read": f"derive('read', {seed}, rank, epoch, step), for whatever else draws while a batch is made",
    }


def seed_globals(seed: int) -> None:
    """Seed the global generators of Python, NumPy and, where it is loaded, torch on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the global stream is what user code draws from
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed costs 100 times as much
        for generator in getattr(torch.cuda, "default_generators", ()):
            generator.manual_seed(seed)


@contextmanager
def aside(seed: int) -> Iterator[None]:
    """Draw from global generators seeded anew, on one thread of torch, and leave them as if nothing had happened.

    What is read between two training steps is then the same in this process as in one that only reads.
    """
    torch = sys.modules.get("torch")
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch_before, threads = (torch.get_rng_state(), torch.get_num_threads()) if torch is not None else (None, 1)
    on_gpus = torch.cuda.get_rng_state_all() if torch is not None and torch.cuda.is_initialized() else []
    if torch is not None:
        torch.set_num_threads(1)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    if torch is not None:
        torch.default_generator.manual_seed(seed)
        for generator in torch.cuda.default_generators if on_gpus else ():
            generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(torch_before)
            torch.set_num_threads(threads)
            for number, state in enumerate(on_gpus):
                torch.cuda.set_rng_state(state, number)


def held(*owners: Any) -> list[Any]:
    """The generators that objects hold, also inside what they hold: each would otherwise go its own way in every
    process that reads.
    """
    found: dict[int, Any] = {}
    waiting, seen = list(owners), set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, str | bytes | int | float | np.ndarray | type):
            continue
        seen.add(id(thing))
        if is_generator(thing):
            found[id(thing)] = thing
        elif isinstance(thing, dict):
            waiting += thing.values()
        elif isinstance(thing, list | tuple):
            waiting += thing if len(thing) < 1000 else ()  # long lists hold samples
        elif type(thing).__module__.partition(".")[0] not in ("torch", "pandas", "pyarrow"):
            waiting += getattr(thing, "__dict__", {}).values()
    return list(found.values())


def is_generator(thing: Any) -> bool:
    """Whether something draws random numbers from a state of its own."""
    torch = sys.modules.get("torch")
    kinds = (random.Random, np.random.Generator, np.random.RandomState)
    return isinstance(thing, kinds) or (torch is not None and isinstance(thing, torch.Generator))


def reseed(generators: list[Any], seed: int) -> None:
    """Give each generator a stream of its own that belongs to a seed."""
    for number, generator in enumerate(generators):
        own = derive("held", seed, number)
        if isinstance(generator, np.random.Generator):
            generator.bit_generator.state = type(generator.bit_generator)(own).state
        elif isinstance(generator, np.random.RandomState):
            generator.seed(own % 2**32)
        elif isinstance(generator, random.Random):
            generator.seed(own)
        else:
            generator.manual_seed(own)


def prepare() -> None:
    """What must be in the environment before CUDA starts."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def pin_backend(deterministic: bool | str, threads: int) -> None:
    """Set torch's switches: deterministic kernels, no autotuning, no TF32, a stated number of threads."""
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic is not False, warn_only=deterministic == "warn")
    torch.backends.cudnn.deterministic = deterministic is not False
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect the operations that torch warns have no deterministic form; other warnings go on as they were."""
    found: list[str] = []
    show = warnings.showwarning

    def note(message: Warning | str, *details: Any, **more: Any) -> None:
        name = re.match(r"(\S+) does not have a deterministic implementation", str(message))
        if name is None:
            show(message, *details, **more)
        elif name[1] not in found:
            found.append(name[1])

    with warnings.catch_warnings():
        warnings.filterwarnings("always", message=".*does not have a deterministic implementation")
        warnings.showwarning = note
        yield found
