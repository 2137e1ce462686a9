"""A project with something to lose, and what an attacker would send to it."""

import pickle
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from records import made, score, stored

from receipts.config.compose import compose

SMALL = Path(__file__).parent / "projects" / "small"


@dataclass(frozen=True)
class Trap:
    """`canary` is a file that only code from outside would make; `victim` one that only a way out would reach."""

    project: Path
    canary: Path
    victim: Path

    def run(self, **changes: Any) -> Path:
        """A run folder that somebody sent, whole and honest so far."""
        folder = stored(made(0, score(), **changes))
        (folder / "config.yaml").write_bytes(config())
        return folder


@cache
def config() -> bytes:
    """What the experiment `net` leaves as its config; the working folder is the small project."""
    return compose("conf=net").text


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def pickled(canary: Path) -> bytes:
    """Bytes that make the canary when they are unpickled, which is tried first."""
    found = pickle.dumps(Touch(canary))
    pickle.loads(found)
    assert canary.exists()
    canary.unlink()
    return found
