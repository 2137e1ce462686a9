"""Predictions for eyes: a CSV file, worst predictions first. Numbers are never computed from it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from receipts.evaluation.losses import per_sample
from receipts.evaluation.predictions import Predictions
from receipts.runs.files import write_atomically
from receipts.runs.sheets import inert
from receipts.runs.views import CSV_ROWS


def write_csv(predictions: Predictions, path: Path) -> None:
    """The worst rows, at most `CSV_ROWS` of them."""
    loss = per_sample(predictions)
    worst = np.argsort(-loss, kind="stable")[:CSV_ROWS]
    write_atomically(path, as_csv(frame(predictions, worst, loss)))


def frame(predictions: Predictions, rows: NDArray[np.intp], loss: NDArray[np.float64]) -> pd.DataFrame:
    """Some rows in their order, with everything that is known of them; `error` is their loss."""
    columns: dict[str, object] = {"sample_id": [predictions.ids[row] for row in rows]}
    for name, values in (("entity_id", predictions.entities), ("group", predictions.groups)):
        if values is not None:
            columns[name] = [values[row] for row in rows]
    if predictions.targets is not None:
        columns |= spread("target", predictions.targets[rows])
    columns |= spread("prediction", predictions.prediction[rows])
    if predictions.probabilities is not None:
        columns |= spread("probability", predictions.probabilities[rows])
    columns["error"] = loss[rows]
    return pd.DataFrame(columns)


def as_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV, six digits a number; pandas' own formatting of numbers takes four times as long."""
    shown = {inert(str(name)): as_text(column) for name, column in table.items()}
    return pd.DataFrame(shown).to_csv(index=False, lineterminator="\n").encode()


def as_text(column: "pd.Series[Any]") -> object:
    """A column as it is written: numbers in six digits, texts so that no spreadsheet computes them."""
    if column.dtype.kind == "f":
        return [f"{value:.6g}" for value in column.tolist()]
    if column.dtype.kind != "O":
        return column
    return [inert(cell) if isinstance(cell, str) else cell for cell in column.tolist()]


def spread(name: str, values: NDArray[np.generic]) -> dict[str, object]:
    """One column, one for each of up to 100 elements of a row, or the mean of more."""
    if values.ndim == 1:
        return {name: values}
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    if flat.shape[1] > 100:
        return {f"{name}_mean": flat.astype(np.float64).mean(1)}
    return {f"{name}_{column}": flat[:, column] for column in range(flat.shape[1])}
