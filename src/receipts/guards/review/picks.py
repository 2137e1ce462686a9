"""Which predictions a person should look at: the worst, the median, one at random, a failure, a confident mistake."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from receipts.config.schema import Task
from receipts.evaluation.metrics import arrays, scored_as
from receipts.evaluation.predictions import Predictions
from receipts.provenance.determinism import derive

Array = np.ndarray[Any, Any]

SMALLEST = 1e-12
WORST = 0.05  # share of the samples that count as outliers
CROWDED = 3.0  # times its own share of the outliers, from which on a group is said to hold them


@dataclass(frozen=True)
class Pick:
    """One sample: why it was picked, its row, and what is true and was said of it."""

    name: str
    row: int
    sample: str
    told: str


def losses(predictions: Predictions, task: Task) -> Array:
    """How bad each prediction is `(N,)`: minus the log of the true class's probability, or the mean absolute error."""
    truth, stated = arrays(predictions, task)
    if scored_as(task) == "classification":
        return np.asarray(-np.log(np.maximum(stated[np.arange(len(truth)), truth], SMALLEST)))
    apart = np.abs(np.asarray(stated, np.float64) - np.asarray(truth, np.float64))
    return np.asarray(apart.reshape(len(predictions), -1).mean(1))


def five(predictions: Predictions, task: Task, run_id: str) -> list[Pick]:
    """The named samples, as far as there are such: a method without a mistake has no failure."""
    bad = losses(predictions, task)
    order = np.argsort(bad, kind="stable")
    rng = np.random.default_rng(derive("review", run_id))
    rows = {"worst": int(order[-1]), "median": int(order[len(order) // 2]), "random": int(rng.integers(len(order)))}
    if scored_as(task) == "classification":
        wrong = np.flatnonzero(predictions.prediction != predictions.targets)
        sure = predictions.stated.max(1)
        if wrong.size:
            rows["failure"] = int(rng.choice(wrong))
            rows["confident mistake"] = int(wrong[sure[wrong].argmax()])
    else:
        rows["failure"] = int(rng.choice(order[-max(1, len(order) // 10) :]))
    return [Pick(name, row, predictions.ids[row], told(predictions, row, bad[row])) for name, row in rows.items()]


def told(predictions: Predictions, row: int, loss: float) -> str:
    """What is true of a sample, what was said of it, and how bad that is."""
    targets = predictions.targets
    truth = "unknown" if targets is None else shown(targets[row])
    sure = f" with {float(predictions.stated[row].max()):.3f}" if predictions.probabilities is not None else ""
    return f"true {truth}, predicted {shown(predictions.prediction[row])}{sure}; loss {loss:.4g}"


def shown(value: Any) -> str:
    """One number as it is, many by their mean."""
    array = np.asarray(value)
    return f"{array.item():g}" if array.size == 1 else f"{array.shape} of mean {float(array.mean()):.4g}"


def columns(predictions: Predictions) -> dict[str, Array]:
    """What samples can be grouped by: groups, entities, their classes."""
    found = {"group": predictions.groups, "entity": predictions.entities}
    named = {name: np.array(column, dtype=object) for name, column in found.items() if column is not None}
    targets = predictions.targets
    if targets is not None and targets.ndim == 1 and targets.dtype.kind in "iu":
        named["class"] = targets.astype(str).astype(object)
    return named


def means(predictions: Predictions, column: Array) -> list[list[str]]:
    """Per group: samples, mean prediction and mean target; of classes how sure predictions are, and the share right."""
    rows = []
    for group in sorted(set(column)):
        inside = column == group
        if predictions.probabilities is None:
            pair = predictions.stated[inside].mean(), np.mean(predictions.targets[inside])  # type: ignore[index]
            rows.append([str(group), str(int(inside.sum())), f"{pair[0]:.4g}", f"{pair[1]:.4g}"])
        else:
            right = float(np.mean((predictions.prediction == predictions.targets)[inside]))
            sure = float(predictions.stated[inside].max(1).mean())
            rows.append([str(group), str(int(inside.sum())), f"{sure:.3f}", f"{right:.3f}"])
    return rows


def outliers(bad: Array, column: Array) -> str:
    """Whether the worst predictions sit in few groups or are scattered."""
    worst = np.argsort(bad)[-max(1, round(WORST * len(bad))) :]
    groups, counts = np.unique(column[worst], return_counts=True)
    share = {group: float(np.mean(column == group)) for group in groups}
    held = [
        (count, group)
        for group, count in zip(groups, counts, strict=True)
        if count / len(worst) > CROWDED * share[group]
    ]
    if held and len(worst) >= 5:
        shown = ", ".join(f"{group} ({count} of {len(worst)})" for count, group in sorted(held, reverse=True)[:3])
        return f"the worst {len(worst)} predictions sit in few of them: {shown}"
    return f"the worst {len(worst)} predictions are scattered over {len(groups)} of {len(set(column))}"
