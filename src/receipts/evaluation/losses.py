"""How bad every single prediction is: what the worst-first order of rows, outliers and pictures goes by."""

import numpy as np
from numpy.typing import NDArray

from receipts.evaluation.predictions import Predictions


def per_sample(predictions: Predictions) -> NDArray[np.float64]:
    """How bad each prediction is: one minus the probability of the true class, or the mean absolute error."""
    targets = predictions.targets
    if targets is None:
        return np.zeros(len(predictions))
    if predictions.probabilities is not None:
        return 1 - predictions.probabilities[np.arange(len(targets)), targets].astype(np.float64)
    apart = np.abs(predictions.stated.astype(np.float64) - targets)
    return np.asarray(apart.reshape(len(targets), -1).mean(1))
