"""What is odd about predictions: outliers, value ranges, actual against predicted. Tables for people, for one split."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from receipts.evaluation.eyes import as_csv, frame
from receipts.evaluation.losses import per_sample
from receipts.evaluation.predictions import Predictions
from receipts.runs.files import write_atomically
from receipts.runs.views import CSV_ROWS

Array = NDArray[Any]
FAR = 3.5  # modified z-score from which a residual is an outlier (Iglewicz & Hoaglin 1993)
SURE = 0.9  # probability from which a mistake is a confident one
BINS = 20
QUANTILES = {"p01": 0.01, "p25": 0.25, "median": 0.5, "p75": 0.75, "p99": 0.99}
MOST = 20_000_000  # elements that ranges are taken of; of more, every k-th
COLUMNS = 50  # metadata columns that are looked at


def write(folder: Path, predictions: Predictions) -> None:
    """`outliers.csv`, `value_ranges.csv` and `actual_predicted.csv`."""
    tables = {
        "outliers": outliers(predictions),
        "value_ranges": value_ranges(predictions),
        "actual_predicted": by_class(predictions) if predictions.probabilities is not None else by_bin(predictions),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_atomically(folder / f"{name}.csv", as_csv(table[:CSV_ROWS]))


def outliers(predictions: Predictions) -> pd.DataFrame:
    """Mistakes made with a probability of 0.9 or more, surest first; or residuals whose modified z-score
    0.6745 · (r - median) / MAD is beyond ±3.5, farthest first. An array's residual is its mean.
    """
    loss = per_sample(predictions)
    if predictions.probabilities is not None:
        sure = predictions.probabilities.max(axis=1)
        found = np.flatnonzero((predictions.prediction != predictions.targets) & (sure >= SURE))
        found = found[np.argsort(-sure[found], kind="stable")][:CSV_ROWS]
        return frame(predictions, found, loss).assign(confidence=sure[found])
    residual = residuals(predictions)
    middle = np.median(residual)
    scale = np.median(np.abs(residual - middle)) / 0.6745
    z = (residual - middle) / scale if scale else np.zeros(len(residual))
    found = np.flatnonzero(np.abs(z) > FAR)
    found = found[np.argsort(-np.abs(z[found]), kind="stable")][:CSV_ROWS]
    return frame(predictions, found, loss).assign(residual=residual[found], z=z[found])


def residuals(predictions: Predictions) -> Array:
    """Prediction minus target of each sample (N,), of an array the mean over its elements."""
    assert predictions.targets is not None
    apart = predictions.stated.astype(np.float64) - predictions.targets
    return np.asarray(apart.reshape(len(apart), -1).mean(axis=1))


def value_ranges(predictions: Predictions) -> pd.DataFrame:
    """Smallest, largest, quantiles, mean and spread of what is true, what was predicted, and what came with it."""
    columns: dict[str, Array] = {}
    if (probabilities := predictions.probabilities) is not None:
        assert predictions.targets is not None
        columns["probability of the given class"] = probabilities.max(axis=1)
        columns["probability of the true class"] = probabilities[np.arange(len(probabilities)), predictions.targets]
    else:
        assert predictions.targets is not None
        columns |= {"target": predictions.targets, "prediction": predictions.stated}
    numeric = {name: array for name, array in predictions.metadata.items() if array.dtype.kind in "biuf"}
    columns |= {f"metadata {name}": numeric[name] for name in list(numeric)[:COLUMNS]}
    return pd.DataFrame([{"what": name} | described(values) for name, values in columns.items()])


def described(values: Array) -> dict[str, object]:
    """An array's range; `used` says which of its elements that is of."""
    step = -(-values.size // MOST)
    flat = values.reshape(-1)[::step].astype(np.float64)
    quantiles = dict(zip(QUANTILES, np.quantile(flat, list(QUANTILES.values())), strict=True))
    return {
        "elements": values.size,
        "used": "all" if step == 1 else f"every {step}th",
        "min": flat.min(),
        **quantiles,
        "max": flat.max(),
        "mean": flat.mean(),
        "sd": flat.std(),
        "constant": bool(flat.min() == flat.max()),
    }


def by_class(predictions: Predictions) -> pd.DataFrame:
    """Every true class with every class given for it, confusions before agreements and the most frequent first."""
    truth, given, stated = predictions.targets, predictions.prediction, predictions.probabilities
    assert truth is not None
    assert stated is not None
    classes = stated.shape[1]
    pair = truth * classes + given
    n, sure = np.bincount(pair), np.bincount(pair, stated.max(axis=1))
    found = np.flatnonzero(n)
    table = pd.DataFrame({"actual": found // classes, "predicted": found % classes, "n": n[found]})
    table["share_of_actual"] = table["n"] / np.bincount(truth, minlength=classes)[table["actual"]]
    table["mean_confidence"] = sure[found] / n[found]
    agree = table["actual"] == table["predicted"]
    return table.assign(agree=agree).sort_values(["agree", "n"], ascending=[True, False], kind="stable")


def by_bin(predictions: Predictions) -> pd.DataFrame:
    """Bins of about equally many samples by their target (an array by its mean): what was predicted there."""
    assert predictions.targets is not None
    n = len(predictions)
    actual = predictions.targets.reshape(n, -1).astype(np.float64).mean(axis=1)
    given = actual + residuals(predictions)
    edges = np.unique(np.quantile(actual, np.linspace(0, 1, BINS + 1)[1:-1]))
    columns = {"actual": actual, "predicted": given, "loss": per_sample(predictions)}
    table = pd.DataFrame(columns).groupby(np.searchsorted(edges, actual, side="right"))
    found = table["actual"].agg(["min", "max", "size", "mean"]).set_axis(["from", "to", "n", "actual"], axis=1)
    found["predicted"] = table["predicted"].mean()
    found["bias"] = found["predicted"] - found["actual"]
    found["mae"] = table["loss"].mean()
    return found
