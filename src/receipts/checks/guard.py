"""What a check is, apart from the code that makes it."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["static", "pre-flight", "training", "after"]


@dataclass(frozen=True, slots=True)
class Guard:
    """One check. `performance` marks those that judge how good a number is, which a run under a limit cannot answer.

    `asserts` is one sentence about the project, true when the check passes; `cure` one about what to do.
    """

    name: str
    stage: Stage
    asserts: str
    cure: str
    performance: bool = False
