"""Where random generators stand, and putting one back there."""

import random
import sys
from typing import Any

import numpy as np


def state_of(generator: Any) -> Any:
    """Where a generator stands."""
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state()
    return generator.getstate() if hasattr(generator, "getstate") else generator.get_state()


def restore(generator: Any, state: Any) -> None:
    """Put a generator back to where it stood."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif hasattr(generator, "setstate"):
        generator.setstate(state)
    else:
        generator.set_state(state)


def globals_now() -> dict[str, Any]:
    """Where the global generators of Python, NumPy and torch stand, by name."""
    torch = sys.modules.get("torch")
    found = {"random": random.getstate(), "numpy.random": digest(np.random.get_state())}  # noqa: NPY002
    return found if torch is None else {**found, "torch": torch.get_rng_state().numpy().tobytes()}


def digest(state: Any) -> Any:
    """NumPy's state in full, which its own text leaves out the middle of."""
    return (state[0], state[1].tobytes(), *state[2:])
