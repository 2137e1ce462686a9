"""Which checks will be made of which methods, in which order, and how long that will probably take."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from receipts.ablation.forecast import about
from receipts.config.questions import Gauntlet
from receipts.gauntlet.catalogue import checks
from receipts.gauntlet.check import Check, Terms
from receipts.gauntlet.kept import on_record
from receipts.gauntlet.subjects import Subject, project
from receipts.refusal import Refusal, nearest
from receipts.report.gauntlet import Verdict
from receipts.runs.log import say

UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Trial:
    """One check of one subject: its likely cost in seconds, and its verdict where that is known without doing it."""

    check: Check
    subject: Subject
    terms: Terms
    seconds: float
    known: Verdict | None


def refuse_unknown(asked: Gauntlet) -> None:
    """Names that are no checks, a check that is skipped without a reason, a budget or environment that is none."""
    names = [check.name for check in checks()]
    for name in (*asked.only, *asked.skip):
        if name not in names:
            raise Refusal(
                f"there is no check {name!r}{nearest(name, names)}", f"known are {', '.join(names)}", "mend it"
            )
    for name, reason in asked.skip.items():
        if not str(reason or "").strip():
            raise Refusal(
                f"{name} is to be skipped, and nobody says why",
                "the reason is printed wherever the verdict is",
                f"'skip={{{name}: the reason}}'",
            )
    if asked.env not in ("lock", "current"):
        raise Refusal(f"env={asked.env}", "it is lock (made anew) or current (the running one)", "env=current, say")
    budget(asked)


def budget(asked: Gauntlet) -> float | None:
    """Seconds that may be spent; None where there is no limit."""
    if not asked.budget:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", asked.budget)
    if found is None:
        raise Refusal(f"budget={asked.budget} is no time", "a number and s, m or h are expected", "budget=20m, say")
    return float(found[1]) * UNITS[found[2]]


def planned(subjects: Sequence[Subject], asked: Gauntlet) -> list[Trial]:
    """Every check of the project, and every check of every method, the most telling ones first."""
    terms = Terms(asked.env, asked.folder, dict(asked.allow))
    return [
        Trial(check, one, terms, check.seconds(one), known(check, one, terms, asked))
        for check in checks()
        if not asked.only or check.name in asked.only
        for one in ([project(subjects)] if check.of_project else subjects)
    ]


def known(check: Check, subject: Subject, terms: Terms, asked: Gauntlet) -> Verdict | None:
    """A verdict that costs nothing: skipped, not applicable, or on record for the same runs and code."""
    if check.name in asked.skip:
        return Verdict(check.name, subject.label, "skipped", str(asked.skip[check.name]), check.asserts)
    if reason := check.against(subject):
        return Verdict(check.name, subject.label, "not applicable", reason, check.asserts)
    return None if asked.again else on_record(check, subject, terms)


def announce(trials: Sequence[Trial], subjects: Sequence[Subject], asked: Gauntlet) -> None:
    """What is about to happen."""
    for one in subjects:
        seeds = ", ".join(str(run.seed) for run in one.runs[:10]) + (" …" if len(one.runs) > 10 else "")
        say(f"method   {one.label}  {len(one.runs)} runs (seeds {seeds}), printed on {one.split}")
    todo = [trial for trial in trials if trial.known is None]
    done = sum(trial.known is not None and trial.known.verdict in ("pass", "fail") for trial in trials)
    say(f"checks   {len(trials)}: {len(todo)} to make, {done} on record, {len(trials) - len(todo) - done} do not apply")
    limit = f", of which budget={asked.budget} is spent, the most telling first" if asked.budget else ""
    say(f"time     {about(sum(trial.seconds for trial in todo))}{limit}")
    if asked.env == "current":
        say("rerun    in the running environment (env=current), which the verdict says")
