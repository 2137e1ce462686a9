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
        "augment": f"derive('augment', {seed}, rank, epoch, step)",
    }


def seed_globals(seed: int) -> None:
    """Seed the global generators of Python, NumPy and, where it is loaded, torch on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the global stream is what user code draws from
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed costs 100 times as much
        for generator in getattr(torch.cuda, "default_generators", ()):
            generator.manual_seed(seed)


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
