"""Problems that people can fix, told as what, why and the command that cures it.

A refusal is not a crash: it is printed without a traceback and ends the program with exit code 3, before
anything was spent. A failed check (exit code 4) ends a run whose number must not be believed.
"""

import re
import sys
from collections.abc import Sequence
from typing import Final

DONE: Final = 0
REFUSED: Final = 3
CHECK_FAILED: Final = 4

# Control characters but for tab and line feed, those that change the direction of what follows them, those that take no
# room and make two names look like one, and halves of characters, which no terminal and no file can be given.
HIDDEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


class Refusal(Exception):
    """A problem that a person can fix. `what` happened, `why` it matters, the command that is the `fix`."""

    exit_code = REFUSED
    title = "REFUSED"

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        rows = [(self.title, visible(self.what)), ("  why", visible(self.why)), ("  fix", visible(self.fix))]
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


def visible(text: str) -> str:
    """A text that a terminal prints and does not obey: what moves, colours, hides or turns round text is spelt out."""
    return HIDDEN.sub(lambda sign: ascii(sign[0])[1:-1], text)


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean X?` for a misspelt word, or nothing when no known word is close."""
    from difflib import get_close_matches

    match = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {match[0]}?" if match else ""
