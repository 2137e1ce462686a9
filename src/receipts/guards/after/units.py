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
OF_ORDER = ("spearman", "pearson", "kendall", "qwk")  # metrics that ask for no unit


def in_units(predictions: Predictions, split: str, task: Task, rung: str | None) -> Check:
    """Fails where predictions go with the targets, are worse than their mean, and spread ten times too little or much.

    The best honest predictor of correlation r spreads r times as much as the targets do.
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
    if knows and explained < 0 and not 1 / FACTOR < spread < FACTOR:
        return failed(name, said)
    return passed(name, said)
