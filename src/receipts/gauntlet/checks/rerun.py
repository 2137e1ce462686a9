"""The same run once more, from its commit, its lock and its data, under the same seed: the same numbers."""

from receipts.gauntlet import cost
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed
from receipts.gauntlet.subjects import Subject
from receipts.replay.replaying import replay

CAUSES = 6  # that are named


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Replay the run of the first seed; numbers within the declared margin still pass, and are said to be so."""
    done = replay(subject.run, env=terms.env)
    moved = [one for one in done.numbers if one.verdict != "identical"]
    where = "in the running environment" if terms.env == "current" else "in a new environment from the lock"
    told = f"{subject.run.run_id} {where}: {len(done.numbers) - len(moved)} of {len(done.numbers)} numbers identical"
    told += f"; {', '.join(done.files)}" if done.files else ""
    if done.verdict == "identical":
        return passed(told)
    shown = ", ".join(f"{one.split} {one.metric} {one.then!r} then, {one.again!r} again" for one in moved[:CAUSES])
    causes = "; ".join(done.causes[:CAUSES]) or "nothing else was another, so the method itself draws lots"
    told += f"; {shown}; not the same: {causes}"
    if done.verdict == "differs":
        return failed(told)
    return passed(f"{told}; within the declared margin of {subject.run.margin:g}" if subject.run.margin else told)


def seconds(subject: Subject) -> float:
    """A training, an evaluation and the making of an environment."""
    return cost.trainings(1.5)(subject) + cost.ENVIRONMENT


CHECK = Check(
    "rerun",
    "A run made again in a new environment under the same seed gives the same numbers.",
    "receipts rerun RUN --keep leaves the clone; look for random numbers drawn outside the run's seed",
    judge,
    seconds=seconds,
    terms=("env",),
)
