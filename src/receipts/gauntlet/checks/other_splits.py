"""The rows of train and val divided anew: does the order of two methods, which a table claims, survive it?"""

from collections.abc import Iterator

import msgspec
import numpy as np

from receipts.config.compose import Experiment
from receipts.data import rules, stored
from receipts.data.manifest import Manifest, Part
from receipts.data.opening import built, open_splits
from receipts.evaluation.metrics import direction, evaluate, scored_as
from receipts.gauntlet import cost, trial
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Rival, Subject
from receipts.provenance.determinism import derive

DIVISIONS = 3
FIXED = ("time", "datamodule")  # a future that may not be learnt from, rows that the core does not hold


def against(subject: Subject) -> str:
    """An order must be claimed before it can be denied."""
    return "" if claim(subject) else "no table claims that it is better or worse than its reference"


def claim(subject: Subject) -> Rival | None:
    """The first rival that the subject is said to be better or worse than."""
    return next((rival for rival in subject.rivals if rival.comparison.verdict in ("better", "worse")), None)


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Both methods on three other divisions of the same rows; fails where most of them turn the order round."""
    rival = claim(subject)
    assert rival is not None, "it was asked before"
    (mine, manifest), (theirs, other) = trial.prepared(subject.run), trial.prepared(rival.runs[0])
    rule = mine.config.split.rule
    if rule in FIXED:
        return undone(f"the rule {rule} leaves no other division of the same rows")
    if other.hashes != manifest.hashes or other.splits != manifest.splits:
        return undone(f"{subject.label} and {rival.label} are divided differently already")
    name = mine.config.task.primary
    sign = 1 if direction(scored_as(mine.config.task), name) == "higher" else -1
    gains = []
    for division in divisions(mine, manifest):
        ours, reference = scored(mine, division), scored(theirs, division)
        if ours is None or reference is None:
            return undone(f"{name} is undefined on another division")
        gains.append(sign * (ours - reference))
    claimed = rival.comparison.verdict
    denied = sum(gain < 0 if claimed == "better" else gain > 0 for gain in gains)
    told = (
        f"{claimed} than {rival.label} says the table; divided anew {len(gains)} times, val {name} is ahead by "
        f"{', '.join(f'{gain:+.4f}' for gain in gains)}; test stayed closed"
    )
    return failed(told) if denied * 2 > len(gains) else passed(told)


def divisions(experiment: Experiment, manifest: Manifest) -> Iterator[Manifest]:
    """Other divisions of train and val by the rule's own notion of what belongs together; test has no rows in them."""
    rows = stored.rows(manifest)
    pool = np.sort(np.concatenate([rows["train"], rows["val"]]))
    share = len(rows["val"]) / len(pool)
    dataset = built(experiment.config.data, manifest.access)
    in_blocks = experiment.config.split.rule == "contiguous" or experiment.config.split.seed is None
    for number in range(DIVISIONS):
        if in_blocks and getattr(dataset, "entities", None) is None:
            first = round(number * (len(pool) - len(rows["val"])) / DIVISIONS)
            val = pool[first : first + len(rows["val"])]
        else:
            rng = np.random.default_rng(derive("gauntlet", "division", number))
            val = np.sort(rules.grouped(dataset, pool, [1 - share, share], rng)[1])
        parts = {"train": np.setdiff1d(pool, val), "val": val}
        splits = {name: Part(stored.ranges(part), len(part), {}) for name, part in parts.items()}
        yield msgspec.structs.replace(manifest, splits=splits)


def scored(experiment: Experiment, division: Manifest) -> float | None:
    """The primary number on val of a fit on a division."""
    config = experiment.config
    train, val = open_splits(experiment, division, ("train", "val"), [])
    answers = trial.answers(trial.fitted(config, train, val), val, config)
    name = config.task.primary
    return evaluate(answers, config.task, [name], second=False)[name].value


def seconds(subject: Subject) -> float:
    """Both methods, three times."""
    rival = claim(subject)
    both = cost.training(subject) + (cost.training(Subject("", rival.runs)) if rival else 0.0)
    return cost.START + DIVISIONS * both


CHECK = Check(
    "other-splits",
    "The order that a table claims survives other divisions of the rows of train and val.",
    "the order belongs to one division: report it over folds (python ablate.py conf=… folds=5)",
    judge,
    against,
    seconds,
)
