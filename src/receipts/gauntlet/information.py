"""How much of what the labels say stands in predictions: 0 for none of it, 1 for all, below 0 for the opposite.

Classes: the mean probability given to the true class, beyond what the same predictions give to labels dealt out anew,
as a share of what there was to gain. Values: the slope of the predictions over the targets. Unlike accuracy, neither
jumps when a model that knows nothing leans a hair to one side, which for two well separated classes would make it
right, or wrong, about nearly all of them.
"""

from dataclasses import dataclass

import numpy as np

from receipts.evaluation.predictions import Predictions
from receipts.evaluation.promises import Array

DEALS = 200  # deals of the labels, by which chance is known
WIDTH, SLACK = 4.0, 0.1  # standard deviations of those; and what rows of one cluster, which are not independent, add


@dataclass(frozen=True, slots=True)
class Found:
    """The information in predictions, and how far chance alone takes it to either side."""

    value: float
    band: float

    @property
    def is_chance(self) -> bool:
        """Whether it lies in the band."""
        return abs(self.value) <= self.band

    def __str__(self) -> str:
        return f"{self.value:+.3f} (chance: within ±{self.band:.3f}; knowing all: 1)"


def information(found: Predictions) -> Found | None:
    """The information in labelled predictions; None where all labels are the same, so that there is nothing to know."""
    assert found.targets is not None, "labels are needed to know what is known of them"
    if len(np.unique(found.targets, axis=0)) < 2:
        return None
    share = of_classes if found.probabilities is not None else of_values
    stated, targets = found.stated.astype(np.float64), found.targets
    rng = np.random.default_rng(0)
    deals = [share(stated, targets[rng.permutation(len(targets))]) for _ in range(DEALS)]
    return Found(share(stated, targets), WIDTH * float(np.std(deals)) + SLACK)


def mean(found: list[Found]) -> Found:
    """Several deals of the same kind together; the slack for clusters does not shrink."""
    spread = float(np.mean([one.band - SLACK for one in found])) / len(found) ** 0.5
    return Found(float(np.mean([one.value for one in found])), spread + SLACK)


def of_classes(probabilities: Array, labels: Array) -> float:
    """Probabilities (N, K) and labels (N,)."""
    given = float(probabilities[np.arange(len(labels)), labels].mean())
    often = np.bincount(labels, minlength=probabilities.shape[1]) / len(labels)
    chance = float(often @ probabilities.mean(axis=0))
    return (given - chance) / (1 - chance) if chance < 1 else 0.0


def of_values(values: Array, targets: Array) -> float:
    """Values and targets (N, *target): their covariance over the variance of the targets, all elements together."""
    truth = targets.astype(np.float64).reshape(len(targets), -1)
    stated = values.reshape(len(values), -1)
    truth, stated = truth - truth.mean(axis=0), stated - stated.mean(axis=0)
    return float((truth * stated).sum() / (truth * truth).sum())
