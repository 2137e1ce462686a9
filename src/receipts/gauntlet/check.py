"""A check: its name, what it holds true, what to do where it fails, what it costs, and the function that judges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from receipts.gauntlet.subjects import Subject
from receipts.report.gauntlet import Word


@dataclass(frozen=True, slots=True)
class Terms:
    """What a judge is told beside its subject: which environment a rerun takes, where the report lies."""

    env: str = "lock"
    folder: str = "report"
    allow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a judge saw, in numbers and ids."""

    verdict: Word
    evidence: str


def free(subject: Subject) -> float:
    """The cost of a look at records: nothing worth planning for."""
    return 1.0


def always(subject: Subject) -> str:
    """No reason against it."""
    return ""


@dataclass(frozen=True, slots=True)
class Check:
    """One idea. `against` says why it does not apply to a subject, empty where it does; `seconds` is its likely cost.

    `of_project` marks a check of all methods at once, `apart` one that computes and gets a process of its own.
    `terms` names those parts of `Terms` by which its answer may be another.
    """

    name: str
    asserts: str
    cure: str
    judge: Callable[[Subject, Terms], Outcome]
    against: Callable[[Subject], str] = always
    seconds: Callable[[Subject], float] = free
    of_project: bool = False
    apart: bool = True
    kept: bool = True
    terms: tuple[str, ...] = ()


def passed(evidence: str) -> Outcome:
    """It holds."""
    return Outcome("pass", evidence)


def failed(evidence: str) -> Outcome:
    """It does not hold."""
    return Outcome("fail", evidence)


def undone(reason: str) -> Outcome:
    """It could not be found out; never to be read as passed."""
    return Outcome("not run", reason)


def idle(reason: str) -> Outcome:
    """There is nothing here that the check could be about."""
    return Outcome("not applicable", reason)
