"""One check by itself: on a recorded run, or on configuration and code before there is any."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from receipts.checks.catalogue import GUARDS, guard_of, not_run
from receipts.checks.guard import Guard
from receipts.config.compose import Experiment, compose
from receipts.refusal import CHECK_FAILED, DONE, Refusal, nearest, visible
from receipts.runs import choice
from receipts.runs.record import Check, Record

STAGES = ("static", "pre-flight", "training", "after")


def listed() -> Iterator[str]:
    """Every check in the order in which a run meets them: its name and what it asserts."""
    width = max(map(len, GUARDS))
    ordered = sorted(GUARDS.values(), key=lambda guard: STAGES.index(guard.stage))
    for stage, guards in groupby(ordered, key=lambda guard: guard.stage):
        yield f"{stage}"
        yield from (f"  {guard.name:<{width}}  {guard.asserts}" for guard in guards)


def check(name: str, words: Sequence[str]) -> int:
    """Make one check, or all static ones, and print the verdict; returns 4 where one fails."""
    if name != "static" and name not in GUARDS:
        raise Refusal(f"there is no check {name!r}{nearest(name, list(GUARDS))}", "it is not listed", "receipts checks")
    if name != "static" and len(words) != 1:
        raise Refusal(
            f"the check {name} needs a run", "it looks at what one left behind", f"receipts check {name} latest"
        )
    found = static(compose(*words)) if name == "static" else on_run(GUARDS[name], choice.select(words[0]))
    for each in found:
        print(visible(told(each)))
    return CHECK_FAILED if any(each.verdict == "fail" for each in found) else DONE


def static(experiment: Experiment) -> list[Check]:
    """The static checks of an experiment; advice is printed beside them and fails nothing."""
    from receipts.guards.static import advice, rules

    for line in advice.of(experiment):
        print(f"advice  {line}")
    return rules.examine(experiment)


def on_run(guard: Guard, record: Record) -> list[Check]:
    """The verdicts of one check on a recorded run, made anew where that takes no training."""
    makers = {"static": from_code, "pre-flight": from_data, "after": from_predictions}
    found = (
        [each for each in makers[guard.stage](record) if guard_of(each.code) == guard] if guard.stage in makers else []
    )
    if found:
        return found
    then = [each for each in record.checks if guard_of(each.code) == guard]
    told = f"; in that run it said {then[-1].verdict}: {then[-1].evidence}" if then else ""
    return [
        not_run(guard.name, f"it is made while {record.conf} trains, and cannot be made from what a run left{told}")
    ]


def from_code(record: Record) -> list[Check]:
    """The static checks, of the run's config and of today's code."""
    from receipts.guards.static import rules
    from receipts.runs.repeat import frozen

    return rules.examine(frozen(record))


def from_data(record: Record) -> list[Check]:
    """The checks of data, on the run's config and today's files; train and val are opened."""
    from receipts.data import manifest
    from receipts.data.opening import open_splits
    from receipts.guards.data import audit
    from receipts.runs.repeat import frozen

    experiment = frozen(record)
    _, division = manifest.load(experiment.data)
    checks: list[Check] = []
    train, val = open_splits(experiment, division, ("train", "val"), checks)
    return [*checks, *audit.examine(experiment, division, train, val)]


def from_predictions(record: Record) -> list[Check]:
    """The checks of stored predictions, for every split that was scored."""
    from receipts.guards.after import audit

    return audit.of_record(record)


def told(check: Check) -> str:
    """A verdict on a line of its own, with the cure below where it failed."""
    line = f"{check.verdict:<14}  {check.code}: {check.evidence}"
    return f"{line}\n{'':<14}  cure  {check.cure}" if check.verdict == "fail" else line
