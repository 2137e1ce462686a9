"""How often the order of two methods turns round from one seed to the next."""

from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed
from receipts.gauntlet.subjects import Rival, Subject, primary, score_of


def against(subject: Subject) -> str:
    """Something to be ranked against, and seeds to see it by."""
    if not subject.rivals:
        return "no table compares it with another method"
    return "" if len(subject.runs) > 1 else "one seed has one order"


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Seed by seed on the split that is printed; fails where a table claims an order that most seeds deny."""
    told, denied = [], False
    for rival in subject.rivals:
        signs = order(subject, rival)
        claimed = {"better": 1, "worse": -1}.get(rival.comparison.verdict)
        behind = sum(sign < 0 for sign in signs)
        told.append(
            f"ahead of {rival.label} in {sum(sign > 0 for sign in signs)} of {len(signs)} seeds, behind in {behind} "
            f"(the table says {rival.comparison.verdict})"
        )
        denied |= claimed is not None and sum(sign == -claimed for sign in signs) * 2 >= max(1, len(signs))
    return failed("; ".join(told)) if denied else passed("; ".join(told))


def order(subject: Subject, rival: Rival) -> list[int]:
    """1 for each seed in which the subject is better, -1 where it is worse, 0 where the two are equal."""
    theirs = {run.seed: value for run in rival.runs if (value := primary(run, subject.split)) is not None}
    fixed = next(iter(theirs.values())) if len(theirs) == 1 else None
    metric = score_of(subject.run, subject.split).metrics[subject.run.primary or ""]
    sign = 1 if metric.better == "higher" else -1
    found = []
    for run in subject.runs:
        mine, other = primary(run, subject.split), theirs.get(run.seed, fixed)
        if mine is not None and other is not None:
            found.append(sign * ((mine > other) - (mine < other)))
    return found


CHECK = Check(
    "rank-flips",
    "The order that a table claims holds in most seeds.",
    "more seeds (python ablate.py conf=… seeds=10), or a weaker sentence",
    judge,
    against,
    apart=False,
    kept=False,
)
