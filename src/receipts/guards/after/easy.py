"""Scores that are too good: above the declared ceiling, or perfect where simple methods are not."""

from receipts.checks.catalogue import failed, passed
from receipts.config.schema import Config
from receipts.runs.record import Check, Metric, Record, Score

PERFECT = 1e-9  # how near to the end of its range a number is perfect
FEW = 50  # samples of which all may be right by luck
SIMPLE = 0.95  # of what there is to know, reached by neighbours or a line: then a perfect score is no wonder


def too_good(score: Score, config: Config, record: Record) -> Check:
    """Whether somebody should look before the number is believed."""
    name, metric = f"{score.split}-too-good", score.metrics[config.task.primary]
    value, ceiling = metric.value, config.facts.ceiling
    seen = f"{config.task.primary} {'undefined' if value is None else f'{value:.4f}'}"
    if value is not None and ceiling is not None and exceeds(value, ceiling, metric):
        return failed(name, f"{seen}, and facts.ceiling says that {ceiling:g} is the most this problem allows")
    if value is None or not is_perfect(value, metric) or score.n < FEW:
        return passed(name, seen + (f", below the ceiling of {ceiling:g}" if ceiling is not None else ""))
    skill = simple_skill(record)
    if skill is None:
        return passed(name, f"{seen}; perfect, and no simple method could be tried beside it")
    if skill >= SIMPLE:
        return passed(name, f"{seen}; simple methods reach {skill:.3f} of what there is to know, so the set is easy")
    return failed(name, f"{seen} on {score.n} samples is perfect, and simple methods reach {skill:.3f}")


def exceeds(value: float, ceiling: float, metric: Metric) -> bool:
    """Whether a number is better than a ceiling."""
    return value > ceiling if metric.better == "higher" else value < ceiling


def is_perfect(value: float, metric: Metric) -> bool:
    """Whether a number is the best there is."""
    best = metric.range[1] if metric.better == "higher" else metric.range[0]
    return best is not None and abs(value - best) <= PERFECT


def simple_skill(record: Record) -> float | None:
    """How far a line, or the nearest train rows, go on val, from 0 for a constant to 1; None where inputs are no array.

    Train and val are read once more, which only a perfect score costs.
    """
    import numpy as np

    from receipts.data import manifest, twins
    from receipts.data.opening import open_splits
    from receipts.guards.data import leaks, looking
    from receipts.runs.repeat import frozen

    experiment = frozen(record)
    if experiment.config.split.rule == "datamodule":
        return None
    _, division = manifest.load(experiment.data)
    train, val = open_splits(experiment, division, ("train", "val"), [])
    looked = looking.look(train, val)
    if looked is None or looked.train.labels.ndim > 1:
        return None
    task = experiment.config.task
    y, y_val = (leaks.targets(rows.labels, looked.train.labels, task) for rows in (looked.train, looked.val))
    x, x_val = looking.points(looked)
    apart = twins.squared(x_val, x, (x**2).sum(1))
    nearest = np.argpartition(apart, min(5, len(x) - 1), axis=1)[:, :5]
    by_neighbours = leaks.skill(y[nearest].mean(1), y, y_val)
    return max(by_neighbours, leaks.by_line(x.astype(np.float64), y, x_val.astype(np.float64), y_val))
