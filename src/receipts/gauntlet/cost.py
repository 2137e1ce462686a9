"""What a check will probably cost, in seconds, from what the method's own runs cost."""

from collections.abc import Callable
from statistics import median

from receipts.gauntlet.subjects import Subject
from receipts.runs.record import Record

START = 3.0  # opening the data in a process of its own, and reading weights
ENVIRONMENT = 90.0  # a new environment with torch; with a warm cache it is a third of that


def training(subject: Subject) -> float:
    """One full training."""
    return median(run.cost.wall_s for run in subject.runs if run.cost) if any(r.cost for r in subject.runs) else 60.0


def trainings(count: float) -> Callable[[Subject], float]:
    """So many full trainings."""
    return lambda subject: START + count * training(subject)


def looks(subject: Subject) -> float:
    """Opening val and predicting it a few times."""
    return START


def quick(count: int) -> Callable[[Subject], float]:
    """So many trainings under the caps of the preset `fast`."""
    return lambda subject: START + count * training(subject) * shortened(subject.run)


def shortened(run: Record) -> float:
    """How much shorter a run is under those caps: by epochs alone, since its number of train rows is not on record."""
    from receipts.gauntlet.trial import limits

    epochs = limits().epochs
    return min(1.0, epochs / run.epochs) if epochs and run.epochs else 1.0
