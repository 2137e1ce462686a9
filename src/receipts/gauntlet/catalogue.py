"""The checks, in the order in which they tell most for what they cost."""

from collections.abc import Iterator

from receipts.gauntlet.check import Check
from receipts.gauntlet.checks import (
    blank,
    committed,
    duplicates,
    evaluation,
    fresh_seeds,
    installed,
    labels,
    one_batch,
    other_splits,
    ranks,
    report_again,
    rerun,
    second,
)


def checks() -> Iterator[Check]:
    """Every check there is: first what records can answer, then what a look at the weights can, then trainings."""
    yield from (committed.CHECK, installed.CHECK, duplicates.CHECK, ranks.CHECK, report_again.CHECK)
    yield from (second.CHECK, evaluation.AGAIN, evaluation.DEALT)
    yield from (labels.ROWS, blank.CHECK, labels.GROUPS, rerun.CHECK, one_batch.CHECK, fresh_seeds.CHECK)
    yield other_splits.CHECK


def named(name: str) -> Check:
    """One check."""
    return next(check for check in checks() if check.name == name)
