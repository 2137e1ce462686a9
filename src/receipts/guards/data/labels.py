"""Labels held against their neighbours: covered by train, contradicted, renamed from one split to the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from receipts.checks.catalogue import NOTE, failed, not_applicable, not_run, passed
from receipts.config.schema import Task
from receipts.data import twins
from receipts.data.manifest import Manifest
from receipts.guards.data.looking import ASKED, Looked, has_classes, points
from receipts.runs.record import Check
from receipts.runs.views import counted

Array = np.ndarray[Any, Any]

COMMON = 0.05  # share of a split from which on a class that train lacks moves the number
NEIGHBOURS, MOST = 10, 7  # of whom so many of one opinion contradict
NOISY, MORE, SURE = 0.05, 2.0, 5.0  # share of train that is contradicted, times val's, and by how many deviations
DOUBTED, FAIRLY = 0.02, 4.0  # the same share and deviations, from which on rows are named without a verdict
TELLING, NOTHING = 0.5, 0.1  # agreement beyond chance that shows a rule, and one that shows none
SOME, KNOWN = 8, 0.8  # rows of a class with neighbours of one opinion, and the share of them that says one thing
ENOUGH = 30  # rows with neighbours of one opinion


@dataclass(frozen=True)
class Votes:
    """What the neighbours of some rows say: `vote` is their most frequent label, `sure` where most of them give it."""

    at: Array
    labels: Array
    vote: Array
    sure: Array

    @property
    def contradicted(self) -> Array:
        """Rows whose neighbours agree on another label."""
        return np.asarray(self.sure & (self.vote != self.labels))

    @property
    def agreement(self) -> float:
        """Cohen's kappa of vote and label over the rows whose neighbours agree; 0 where all are of one class."""
        vote, label = self.vote[self.sure], self.labels[self.sure]
        classes = np.union1d(vote, label)
        chance = float(sum(np.mean(vote == each) * np.mean(label == each) for each in classes))
        return 0.0 if chance == 1 else float((np.mean(vote == label) - chance) / (1 - chance))


def audit(looked: Looked | None, manifest: Manifest, task: Task) -> Iterator[Check]:
    """A verdict for every check of labels; that they stand beside the wrong rows says more than their neighbours do."""
    for check in by_neighbours(looked, manifest, task):
        if check.code == "labels-aligned" and manifest.facts is not None and manifest.facts.misplaced:
            place = manifest.facts.misplaced
            where = f"{counted(abs(place), 'row')} {'later' if place > 0 else 'earlier'}"
            yield failed(check.code, f"inputs tell nothing of the label beside them, and much of the one {where}")
        else:
            yield check


def by_neighbours(looked: Looked | None, manifest: Manifest, task: Task) -> Iterator[Check]:
    """What a row's neighbours say of its label."""
    if not has_classes(task):
        yield from (
            not_applicable(name, "labels are no classes")
            for name in ("labels-covered", "labels-aligned", "labels-clean")
        )
        return
    yield covered(manifest)
    if looked is None or not are_classes(looked) or len(looked.train.at) <= 2 * NEIGHBOURS:
        reason = "there are too few rows"
        if looked is None or not are_classes(looked):
            reason = "inputs are not one array of numbers, or labels no single whole numbers"
        yield from (not_run(name, reason) for name in ("labels-aligned", "labels-clean"))
        return
    train, val = votes(looked)
    yield aligned(train, val)
    yield clean(train, val, looked)


def are_classes(looked: Looked) -> bool:
    """Whether every label is one whole number; a loader of somebody's own may mix them."""
    return all(part.labels.ndim == 1 and part.labels.dtype.kind in "iu" for part in (looked.train, looked.val))


def covered(manifest: Manifest) -> Check:
    """Classes of val and test that train never shows."""
    train = manifest.splits["train"].labels
    missing = [
        f"class {label} has {count} of {part.n} {name} rows and none in train"
        for name, part in manifest.splits.items()
        for label, count in part.labels.items()
        if train and not train.get(label) and part.n and count / part.n >= COMMON
    ]
    if missing:
        return failed("labels-covered", "; ".join(missing))
    if not train:
        return not_run("labels-covered", "the manifest counts no labels of train")
    return passed("labels-covered", f"train shows {len(train)} classes, all that are common in val and test")


def votes(looked: Looked) -> tuple[Votes, Votes]:
    """Neighbours of some train rows and of the val rows, among the train rows."""
    train, val = points(looked)
    some = np.unique(np.linspace(0, len(train) - 1, min(len(train), ASKED)).astype(int))
    return (
        cast(train[some], looked.train.labels[some], looked.train.at[some], train, looked.train.labels, some),
        cast(val, looked.val.labels, looked.val.at, train, looked.train.labels, None),
    )


def cast(asked: Array, labels: Array, at: Array, train: Array, known: Array, own: Array | None) -> Votes:
    """The votes of the nearest train rows; `own` are the places of the asked rows among them, which do not vote."""
    squares = (train**2).sum(1)
    classes, codes = np.unique(known, return_inverse=True)
    vote, sure = [], []
    for first in range(0, len(asked), twins.BLOCK):
        apart = twins.squared(asked[first : first + twins.BLOCK], train, squares)
        if own is not None:
            apart[np.arange(len(apart)), own[first : first + twins.BLOCK]] = np.inf
        nearest = np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        counts = np.stack([np.bincount(each, minlength=len(classes)) for each in codes[nearest]])
        vote.append(classes[counts.argmax(1)])
        sure.append(counts.max(1) >= MOST)
    return Votes(at, labels, np.concatenate(vote), np.concatenate(sure))


def aligned(train: Votes, val: Votes) -> Check:
    """Whether what neighbours tell of a label in train, they tell in val as well."""
    name = "labels-aligned"
    if min(train.sure.sum(), val.sure.sum()) < ENOUGH:
        return passed(name, "neighbours agree on too few rows to tell")
    seen = f"agreement of labels with their train neighbours beyond chance: {train.agreement:.2f} in train"
    evidence = f"{seen}, {val.agreement:.2f} in val"
    if train.agreement >= TELLING and val.agreement <= NOTHING:
        return failed(name, f"{evidence}; labels of val do not mean what those of train mean")
    if pairs := exchanged(train, val):
        return failed(name, f"{evidence}; what train calls {', '.join(f'{a} is {b} in val' for a, b in pairs.items())}")
    return passed(name, evidence)


def exchanged(train: Votes, val: Votes) -> dict[int, int]:
    """Classes of train that go by another's name in val, while that name's own rows do not: neighbours say so."""
    names = {}
    for label in np.unique(train.labels):
        own, there = (votes.sure & (votes.labels == label) for votes in (train, val))
        if min(own.sum(), there.sum()) < SOME or np.mean(train.vote[own] == label) < KNOWN:
            continue
        voted, counts = np.unique(val.vote[there], return_counts=True)
        if counts.max() / counts.sum() >= KNOWN and voted[counts.argmax()] != label:
            names[int(voted[counts.argmax()])] = int(label)
    return names if names and set(names) == set(names.values()) else {}


def clean(train: Votes, val: Votes, looked: Looked) -> Check:
    """Whether train labels are contradicted far more often than val labels, which were made the same way."""
    n, m = len(train.labels), len(val.labels)
    one, other = float(train.contradicted.mean()), float(val.contradicted.mean())
    deviation = sqrt(one * (1 - one) / n + max(other * (1 - other), 1 / m) / m)
    evidence = f"neighbours contradict {one:.1%} of {n} train labels and {other:.1%} of {m} val labels"
    named = ", ".join(looked.ids["train"][row] for row in train.at[train.contradicted][:5])
    if one >= NOISY and one > MORE * other and one - other > SURE * deviation:
        return failed("labels-clean", f"{evidence}; first of them {named}")
    if one >= DOUBTED and one > MORE * other and one - other > FAIRLY * deviation:
        return passed("labels-clean", f"{evidence}{NOTE}look at some of them: {named}")
    return passed("labels-clean", evidence)
