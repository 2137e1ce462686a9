"""Every stored prediction scored once more, by the harness and by the independent implementation."""

from receipts.evaluation.metrics import evaluate
from receipts.gauntlet import cost, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed
from receipts.gauntlet.subjects import Subject
from receipts.refusal import CheckFailed
from receipts.runs import repeat
from receipts.runs.record import Record


def judge(subject: Subject, terms: Terms) -> Outcome:
    """All runs and splits of a method; a number must be the recorded one to the last digit."""
    wrong, counted, farthest = [], 0, 0.0
    for run in subject.runs:
        for split in dict.fromkeys(score.split for score in run.scores):
            found, apart, numbers = recomputed(run, split)
            wrong += [f"{run.run_id} {split} {text}" for text in found]
            counted, farthest = counted + numbers, max(farthest, apart)
    if wrong:
        return failed("; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""))
    return passed(
        f"{counted} numbers of {len(subject.runs)} runs recomputed to the last digit; torchmetrics is at most "
        f"{farthest:.1e} away"
    )


def recomputed(run: Record, split: str) -> tuple[list[str], float, int]:
    """What is wrong with a score, how far the two implementations are apart, and how many numbers were compared."""
    score = run.score(split)
    assert score is not None
    try:
        again = evaluate(trial.stored(run, split), repeat.experiment_of(run).config.task)
    except CheckFailed as problem:
        return [problem.what], 0.0, 0
    wrong = [
        f"{name} is {metric.value!r} now, {score.metrics[name].value!r} on record"
        for name, metric in again.items()
        if name in score.metrics and score.metrics[name].value != metric.value
    ]
    pairs = [(one.value, one.second) for one in again.values()]
    apart = max((abs(a - b) for a, b in pairs if a is not None and b is not None), default=0.0)
    return wrong, apart, len(again)


CHECK = Check(
    "second-opinion",
    "The recorded numbers are those that two independent implementations make of the stored predictions.",
    "receipts rescore RUN; if the two implementations differ, report it with the predictions file",
    judge,
    seconds=cost.looks,
)
