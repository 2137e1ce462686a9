"""Whether predicted values are in the unit of the targets: as far apart as what they know of them warrants."""

from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.schema import Task
from receipts.evaluation.metrics import arrays, scored_as
from receipts.evaluation.predictions import Predictions
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

KNOWS = 5.0  # deviations from no correlation at all
FACTOR = 10.0  # between the spread of predictions and the one that their correlation warrants
ENOUGH = 30  # values that are enough to tell where they lie
MANY, MANY_BEYOND = 0.1, 0.7  # of the predictions on one bound, and of the targets of these beyond it
DISTINCT = 0.9  # of the other predictions
OF_ORDER = ("spearman", "pearson", "kendall", "qwk")  # metrics that ask for no unit


def in_units(predictions: Predictions, split: str, task: Task, rung: str | None, drifts: bool = False) -> Check:
    """Fails where predictions go with the targets, are worse than their mean, and lie elsewhere or spread otherwise.

    Elsewhere is a mean beyond every target, which is left alone where the split is later in time and targets may drift;
    otherwise is ten times too little or much: the best honest predictor of correlation r spreads r times as much as
    the targets do.
    """
    name = f"{split}-in-other-units"
    if scored_as(task) == "classification" or rung == "floor" or task.primary in OF_ORDER:
        return not_applicable(name, "no values are predicted whose unit would matter")
    truth, stated = (np.asarray(each, np.float64).ravel() for each in arrays(predictions, task))
    if len(truth) < 3 or truth.std() == 0 or stated.std() == 0:
        return not_applicable(name, "predictions or targets do not vary")
    correlation = float(np.corrcoef(truth, stated)[0, 1])
    explained = 1 - float(((stated - truth) ** 2).mean() / truth.var())
    spread = float(stated.std() / truth.std()) / max(abs(correlation), 1e-12)
    said = (
        f"correlation {correlation:.3f}, r2 {explained:.3g}; mean {stated.mean():.4g} and deviation "
        f"{stated.std():.4g}, of the targets {truth.mean():.4g} and {truth.std():.4g}"
    )
    knows = correlation * np.sqrt(len(predictions) - 1) > KNOWS
    elsewhere = not truth.min() <= stated.mean() <= truth.max() and len(truth) >= ENOUGH and not drifts
    if knows and explained < 0 and (elsewhere or not 1 / FACTOR < spread < FACTOR):
        return failed(name, said)
    return passed(name, said)


def cut_off(predictions: Predictions, split: str, task: Task, rung: str | None) -> Check:
    """Fails where many predictions are one and the same number, the least or the most of all, and targets go beyond.

    A bound that the targets keep, too, such as nought for a count, is no fault, nor are steps, as trees predict them.
    """
    name = f"{split}-values-cut-off"
    if scored_as(task) == "classification" or rung is not None:
        return not_applicable(name, "no values are predicted by a model that could cut them")
    truth, stated = (np.asarray(each, np.float64).ravel() for each in arrays(predictions, task))
    for bound, beyond in ((stated.min(), truth < stated.min()), (stated.max(), truth > stated.max())):
        held = stated == bound
        share, outside, rest = float(held.mean()), float(beyond[held].mean()), stated[~held]
        continuous = len(np.unique(rest)) > DISTINCT * len(rest) > 0
        if held.sum() >= ENOUGH and share >= MANY and outside > MANY_BEYOND and continuous:
            said = f"{share:.0%} of the predictions are exactly {bound:.6g}"
            return failed(name, f"{said}, and {outside:.0%} of their targets lie beyond")
    return passed(name, f"predictions from {stated.min():.4g} to {stated.max():.4g}")
