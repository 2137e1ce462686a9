"""Labels dealt out anew, row by row or group by group: what is learnt from them is of no use on val."""

from dataclasses import replace

import numpy as np

from receipts.data.sealed import Array, Subset
from receipts.gauntlet import cost, information, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject
from receipts.provenance.determinism import derive

DEALS = 3  # of the labels, one training each


def against(subject: Subject) -> str:
    """A floor knows nothing to begin with."""
    return "a floor knows nothing of its inputs to begin with" if subject.run.rung == "floor" else ""


def by_row(subject: Subject, terms: Terms) -> Outcome:
    """Any label may go to any row."""
    return judge(subject, None)


def by_group(subject: Subject, terms: Terms) -> Outcome:
    """Groups swap their labels whole, so that rows of one group keep what they have in common."""
    return judge(subject, "groups")


def judge(subject: Subject, within: str | None) -> Outcome:
    """Train on dealt labels under the caps of `fast`; two-sided, since below chance is a leak as well."""
    made = trial.opened(subject.run, trial.fast)
    if not trial.has_rows(made.train):
        return undone("the DataModule keeps its train labels to itself")
    groups = made.train.entities or made.train.groups
    if within and not groups:
        return Outcome("not applicable", "the dataset names neither entities nor groups")
    known = information.information(trial.stored(subject.run, "val"))
    if known is None or known.is_chance:
        return Outcome("not applicable", "on val the recorded run knows no more than chance, so nothing can be lost")
    found = []
    for deal in range(DEALS):
        rng = np.random.default_rng(derive("gauntlet", within or "rows", deal))
        order = grouped(groups, rng) if within and groups else rng.permutation(len(made.train))
        dealt = replace(made.train, targets=made.train.targets[order])
        found.append(outcome(made, dealt))
    mean = information.mean(found)
    told = f"trained on dealt labels {DEALS} times: information in val {mean}; the recorded run has {known.value:+.3f}"
    return passed(told) if mean.is_chance else failed(told)


def outcome(made: trial.Trial, train: Subset) -> information.Found:
    """What a fit on some rows knows of val."""
    answers = trial.answers(trial.fitted(made.config, train, made.val), made.val, made.config)
    found = information.information(answers)
    assert found is not None, "the recorded run was scored on the same labels"
    return found


def grouped(groups: list[str], rng: np.random.Generator) -> Array:
    """An order of the rows in which the labels of whole groups go to other groups, `(n,)`.

    Rows stand group by group, and so do the labels, but with the groups in another order.
    """
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    place = rng.permutation(member.max() + 1)
    receivers, givers = np.argsort(member, kind="stable"), np.argsort(place[member], kind="stable")
    order = np.empty(len(member), dtype=np.int64)
    order[receivers] = givers
    return order


CURE = "labels reach the predictions by another way than training: look for files that the method or the dataset reads"

ROWS = Check(
    "labels-shuffled",
    "Trained on labels dealt out anew, the method knows nothing of val.",
    CURE,
    by_row,
    against,
    cost.quick(DEALS),
)
GROUPS = Check(
    "labels-shuffled-by-group",
    "Trained with the labels of whole groups exchanged, the method knows nothing of val.",
    CURE,
    by_group,
    against,
    cost.quick(DEALS),
)
