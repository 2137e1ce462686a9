"""One small batch, learnt by heart: a method that cannot do that does not learn from what it is given."""

from dataclasses import replace

import numpy as np

from receipts.config.schema import Config, Limit
from receipts.data.shares import picked
from receipts.gauntlet import cost, information, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject

ROWS, STEPS = 16, 1000
LEARNT = 0.5  # of all there is to know


def against(subject: Subject) -> str:
    """Estimators have no steps; of a run without any nothing can be asked."""
    return "" if subject.run.steps else "the method is not trained in steps"


def judge(subject: Subject, terms: Terms) -> Outcome:
    """As many steps as the run took, at most a thousand, on a few rows of train without augmentation."""
    made = trial.opened(subject.run)
    if not trial.has_rows(made.train):
        return undone("the DataModule keeps its rows to itself")
    rows = np.sort(np.random.default_rng(0).permutation(len(made.train))[:ROWS])
    batch = picked(made.train, rows)
    steps = min(subject.run.steps or STEPS, STEPS)
    config = alone(made.config, len(rows), steps)
    answers = trial.answers(trial.fitted(config, batch, replace(batch, name="val")), batch, config)
    found = information.information(answers)
    if found is None:
        return undone(f"all {len(rows)} rows have the same label")
    told = f"{len(rows)} train rows, {steps} steps: information in them {found.value:+.3f} (knowing all: 1)"
    if found.value >= LEARNT:
        return passed(told)
    if steps < (subject.run.steps or 0):
        return undone(f"{told}; the run itself took {subject.run.steps} steps, which may be what it needs")
    return failed(f"{told}, at least {LEARNT:g} is expected")


def alone(config: Config, rows: int, steps: int) -> Config:
    """The experiment on one batch: so many epochs of one step, nothing augmented."""
    fit = replace(
        config.fit,
        epochs=steps,
        batch_size=rows,
        accumulate=1,
        validate_every=float(steps),  # once: what is selected is the last, not the first that is right
        max_minutes=None,
        train_fraction=1.0,
        select=replace(config.fit.select, patience=None),
    )
    return replace(config, fit=fit, augment=[], limit=Limit())


CHECK = Check(
    "one-batch",
    "The method learns sixteen rows by heart.",
    "look at loss, labels and learning rate: gradients do not reach the weights, or rows and labels are misaligned",
    judge,
    against,
    cost.trainings(0.7),
)
