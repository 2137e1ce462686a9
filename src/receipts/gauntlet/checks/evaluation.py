"""The recorded weights once more on val: the same answers, however the rows are dealt into batches."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from receipts.data.shares import picked
from receipts.evaluation.predictions import Predictions
from receipts.gauntlet import cost, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, idle, passed, undone
from receipts.gauntlet.subjects import Subject

EXACT, HALF = 1e-4, 2e-2  # float32 sums in another order; half-precision ones
PROCESSES = 2


def again(subject: Subject, terms: Terms) -> Outcome:
    """Load and predict twice; both must be what is stored, to the last bit on the device that it was made on."""
    made = trial.opened(subject.run)
    stored = trial.stored(subject.run, "val")
    answers = [trial.answers(trial.recorded(subject.run, made.config), made.val, made.config) for _ in range(2)]
    method = trial.recorded(subject.run, made.config)
    here, twice = method.world().device, trial.distance(*answers)
    apart = max(trial.distance(stored, one) for one in answers)
    told = f"{len(stored)} val rows predicted twice more: at most {apart:.1e} from what is stored"
    if here != subject.run.world.device:
        told += f" (stored on {subject.run.world.device}, predicted on {here})"
        return passed(told) if max(apart, twice) <= tolerance(stored, subject) else failed(told)
    return passed(told) if apart == 0 else failed(f"{told}, and {twice:.1e} from each other")


def dealt(subject: Subject, terms: Terms) -> Outcome:
    """Other batch sizes, another order, rows shared by two processes: no answer may depend on its neighbours."""
    if subject.run.world.global_batch is None:
        return idle("the method has no batches")
    made = trial.opened(subject.run)
    if not trial.has_rows(made.train):
        return undone("the DataModule deals its own batches")
    usual = trial.answers(trial.recorded(subject.run, made.config), made.val, made.config)
    allowed = tolerance(usual, subject)
    apart = {name: trial.distance(found, usual) for name, found in otherwise(subject, made)}
    told = ", ".join(f"{name} {distance:.1e}" for name, distance in apart.items())
    told = f"farthest answer from the usual one: {told}; allowed {allowed:.1e}"
    return passed(told) if max(apart.values()) <= allowed else failed(told)


def otherwise(subject: Subject, made: trial.Trial) -> Iterator[tuple[str, Predictions]]:
    """The same rows, dealt in other ways."""
    n = len(made.val)
    for size in (1 if n <= 1000 else 7, n if n <= 4096 else 1000):
        config = replace(made.config, fit=replace(made.config.fit, batch_size=size))
        yield f"in batches of {size}", trial.answers(trial.recorded(subject.run, config), made.val, config)
    method = trial.recorded(subject.run, made.config)
    order = np.random.default_rng(0).permutation(n)
    yield "in another order", trial.answers(method, picked(made.val, order), made.config)
    shares = [np.arange(rank, n, PROCESSES) for rank in range(PROCESSES)]
    parts = [trial.answers(method, picked(made.val, rows), made.config) for rows in shares if len(rows)]
    ids = [name for part in parts for name in part.ids]
    stated = np.concatenate([part.stated for part in parts])
    column = "probabilities" if parts[0].probabilities is not None else "value"
    yield (
        f"shared by {PROCESSES} processes",
        replace(
            parts[0], ids=ids, targets=None, entities=None, groups=None, metadata={}, slices={}, **{column: stated}
        ),
    )


def tolerance(usual: Predictions, subject: Subject) -> float:
    """What other sums may move: relative to the largest answer where answers have a unit."""
    scale = 1.0 if usual.probabilities is not None else max(1.0, float(np.abs(usual.stated).max()))
    return (EXACT if subject.run.world.precision.startswith(("32", "64")) else HALF) * scale


AGAIN = Check(
    "scored-again",
    "The recorded weights, loaded and evaluated again, give the stored predictions.",
    "the model keeps state that is in no checkpoint, or draws random numbers while it predicts",
    again,
    seconds=cost.looks,
)
DEALT = Check(
    "batching",
    "No answer depends on batch size, on the order of rows or on how many processes share them.",
    "predict_step mixes rows: a BatchNorm in training mode, a statistic over the batch, state kept between calls",
    dealt,
    seconds=cost.looks,
)
