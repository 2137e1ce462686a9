"""Problems that people can fix, told as what, why and the command that cures it.

A refusal is not a crash: it is printed without a traceback and ends the program with exit code 3, before
anything was spent. A failed check (exit code 4) ends a run whose number must not be believed.
"""

import sys
from collections.abc import Sequence
from typing import Final

DONE: Final = 0
REFUSED: Final = 3
CHECK_FAILED: Final = 4


class Refusal(Exception):
    """A problem that a person can fix. `what` happened, `why` it matters, the command that is the `fix`."""

    exit_code = REFUSED
    title = "REFUSED"

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        rows = [(self.title, self.what), ("  why", self.why), ("  fix", self.fix)]
        indent = " " * (len(self.title) + 2)
        return "\n".join(f"{head:<{len(indent)}}{text.replace(chr(10), chr(10) + indent)}" for head, text in rows)


class CheckFailed(Refusal):
    """A check found that the run's number cannot be believed; the run is kept, with this as its reason."""

    exit_code = CHECK_FAILED
    title = "FAILED"

    def __init__(self, check: str, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.check = check


def tell(problem: Refusal) -> int:
    """Print a refusal where people look for errors; return its exit code."""
    print(problem, file=sys.stderr, flush=True)
    return problem.exit_code


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean X?` for a misspelt word, or nothing when no known word is close."""
    from difflib import get_close_matches

    match = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {match[0]}?" if match else ""
