"""Seeds that nobody has seen: their numbers lie where the recorded ones say that they will."""

from dataclasses import replace
from math import sqrt
from statistics import mean, stdev

from receipts.config.schema import Config
from receipts.evaluation.metrics import evaluate
from receipts.gauntlet import cost, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject, primary

FRESH = 3  # seeds
FIRST = 1001  # nobody's favourite
LEVEL = 0.99  # of twenty clean methods, one would fail at 95 %


def against(subject: Subject) -> str:
    """Deterministic methods have no seeds, and of one seed nothing can be foretold."""
    if all(run.deterministic for run in subject.runs):
        return "the method is deterministic, proved by a second fit under another seed"
    if len(recorded(subject)) < 2:
        return "one seed foretells nothing (python ablate.py conf=… seeds=5)"
    return ""


def recorded(subject: Subject) -> list[float]:
    """The primary numbers of the recorded seeds on val."""
    return [value for run in subject.runs if (value := primary(run, "val")) is not None]


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Train a few fresh seeds and hold their mean against the prediction interval of the recorded ones, on val."""
    known, taken = recorded(subject), {run.seed for run in subject.runs}
    seeds = [seed for seed in range(FIRST, FIRST + len(taken) + FRESH) if seed not in taken][:FRESH]
    values = [value for seed in seeds if (value := trained(subject, seed)) is not None]
    if not values:
        return undone(f"{subject.run.primary} is undefined for the fresh seeds")
    half = max(reach(known, len(values)), subject.run.margin or 0.0)
    apart = mean(values) - mean(known)
    told = (
        f"val {subject.run.primary} of seeds {', '.join(map(str, seeds))}: {', '.join(f'{v:.4f}' for v in values)}, "
        f"mean {mean(values):.4f}; {len(known)} recorded seeds foretell {mean(known):.4f} ± {half:.4f} (99 %)"
    )
    return passed(told) if abs(apart) <= half else failed(told)


def trained(subject: Subject, seed: int) -> float | None:
    """The primary number of one fresh seed."""

    def seeded(config: Config) -> Config:
        return replace(config, seed=seed)

    made = trial.opened(subject.run, seeded)
    answers = trial.answers(trial.fitted(made.config, made.train, made.val), made.val, made.config)
    name = made.config.task.primary
    return evaluate(answers, made.config.task, [name], second=False)[name].value


def reach(known: list[float], fresh: int) -> float:
    """Half of the prediction interval for the mean of so many fresh values: t · s · √(1/n + 1/m)."""
    from scipy.stats import t

    n = len(known)
    return float(t.ppf((1 + LEVEL) / 2, n - 1)) * stdev(known) * sqrt(1 / n + 1 / fresh)


CHECK = Check(
    "fresh-seeds",
    "Seeds that were never tried score within the prediction interval of the recorded ones, on val.",
    "the recorded seeds are not a fair sample: report all seeds that were ever run, or more of them",
    judge,
    against,
    cost.trainings(FRESH),
)
