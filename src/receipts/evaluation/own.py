"""A researcher's own metrics over stored predictions: after the harness's numbers, never instead of them."""

import ast
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from receipts.checks.catalogue import failed, passed
from receipts.config import own, signatures
from receipts.config.schema import Config, OwnMetric, Task
from receipts.evaluation.metrics import arrays, scored_as
from receipts.evaluation.predictions import CLASSES, Predictions
from receipts.provenance import code
from receipts.runs.record import Check, Metric

AGREES = 1e-6  # of a second implementation with the harness: absolute, and relative for large values


def score(
    stored: Predictions, config: Config, split: str, ours: dict[str, Metric]
) -> tuple[dict[str, Metric], list[Check]]:
    """Each of the experiment's own metrics and what became of it; one without a proper value fails its check."""
    offered = given(stored, config.task)
    metrics, checks = {}, []
    for declared in config.metrics:
        metric = compute(declared, offered, ours)
        failure, evidence = believed(declared, metric)
        metrics[declared.name] = metric
        code = f"{split}-own-{declared.name}"
        checks.append(failed(code, failure) if failure else passed(code, evidence))
    return metrics, checks


def compute(declared: OwnMetric, offered: dict[str, NDArray[Any] | None], ours: dict[str, Metric]) -> Metric:
    """One metric; its `second` is the harness's number where it is declared a second implementation of that."""
    source = signatures.function_from_source("metrics", declared.function)
    names = own.parameters(source) or []
    wanted = {name: array for name in names if (array := offered[name]) is not None}
    problem: str | None
    if absent := [name for name in names if name not in wanted]:
        value, problem = None, f"these predictions have no {' and no '.join(absent)}"
    else:
        value, problem = own.call(declared, wanted)
        problem = problem and f"it returned {problem}"
    second = ours[declared.second_of].value if declared.second_of else None
    low, high = declared.range
    return Metric(
        value,
        second,
        "higher" if declared.better == "higher" else "lower",
        (low, high),
        meaning(declared, source),
        problem,
    )


def believed(declared: OwnMetric, metric: Metric) -> tuple[str | None, str]:
    """Why a metric's value is not to be believed, or None; and what speaks for it."""
    name, value = declared.function, metric.value
    if value is None:
        return f"{name}: {metric.undefined}", ""
    if declared.second_of is None:
        return None, f"{name} passed its worked example and lies in {declared.range}"
    theirs = f"the harness's {declared.second_of}"
    if metric.second is None:
        return f"{name} is {value!r} where {theirs} is undefined", ""
    if not math.isclose(value, metric.second, rel_tol=AGREES, abs_tol=AGREES):
        return f"{name} is {value!r} and {theirs}, which it computes once more, {metric.second!r}", ""
    return None, f"{name} is within {AGREES:g} of {theirs}"


def meaning(declared: OwnMetric, source: ast.FunctionDef) -> str:
    """The function's own docstring in one line, or its name."""
    return " ".join((ast.get_docstring(source) or declared.function).split())


def given(stored: Predictions, task: Task) -> dict[str, NDArray[Any] | None]:
    """What a function may ask for by name; None where these predictions have no such column."""
    truth, prediction = arrays(stored, task)
    if scored_as(task) == "classification":
        prediction = stored.prediction
    if task.kind == "regression":
        truth, prediction = (array.reshape(stored.stated.shape) for array in (truth, prediction))
    texts = {"entities": stored.entities, "groups": stored.groups}
    return {
        "probabilities": None if stored.probabilities is None else stored.probabilities.astype(np.float64),
        "prediction": prediction,
        "target": truth.astype(np.int64) if task.kind in CLASSES else truth,
        **{name: None if column is None else np.array(column, dtype=object) for name, column in texts.items()},
    }


def hashes(config: Config) -> dict[str, str]:
    """Each metric's name and one SHA-256 over its file and the files of src/lab that it imports."""
    return {metric.name: code.combined(code.lab([metric.function])) for metric in config.metrics}
