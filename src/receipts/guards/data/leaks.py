"""Columns that give the label away: nearly perfect alone where all the others together are not."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, not_run, passed
from receipts.config.schema import Task
from receipts.data.manifest import Manifest
from receipts.guards.data import filled
from receipts.guards.data.looking import Looked, has_classes
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

NAME = "feature-leaks-the-label"
PERFECT, POORER = 0.97, 0.85  # skill of one column alone, and the most that all others may have together
WIDEST, FEWEST = 500, 50  # columns that are tried, and train rows that it takes
BINS = 50
TRIED, COPY = 20, 0.98  # of very many values so many are tried; a correlation of two that are one
HELD = 40_000_000  # values that are held at once
LINE, SAME = 0.97, 0.9999  # share of a column that a line of three class numbers or more explains; of values


def audit(looked: Looked | None, manifest: Manifest, task: Task) -> Iterator[Check]:
    """Whether one column is the label under another name, or several hold it in the gaps that were filled."""
    declared = manifest.features or {}
    if late := [name for name, known in declared.items() if not known]:
        yield failed(NAME, f"{', '.join(late)}: declared as unknown at prediction time, and handed to the method")
    elif looked is None or not looked.shape or looked.train.labels.ndim > 1:
        yield not_applicable(NAME, "samples are no rows of numbers, or labels no single ones")
    elif len(looked.train.at) < FEWEST or len(looked.val.at) < FEWEST // 5:
        yield not_run(NAME, f"{len(looked.train.at)} train rows and {len(looked.val.at)} of val")
    elif has_classes(task) and (told := filled_in(looked)):
        yield failed(NAME, told)
    elif looked.is_table and looked.shape[0] <= WIDEST:
        yield verdict(looked, list(declared), task)
    else:
        yield painted(looked, task)


def filled_in(looked: Looked) -> str:
    """In words, whether gaps were filled by label; empty where they were not."""
    train, val = (rows.inputs.reshape(len(rows.at), -1) for rows in (looked.train, looked.val))
    return filled.by_label(train, looked.train.labels, val, looked.val.labels)


def verdict(looked: Looked, declared: list[str], task: Task) -> Check:
    """The strongest column against all others."""
    y, y_val = (targets(rows.labels, looked.train.labels, task) for rows in (looked.train, looked.val))
    x, x_val = standardised(looked.train.inputs, looked.val.inputs)
    alone = np.array(
        [max(by_bins(a, y, b, y_val), by_line(a[:, None], y, b[:, None], y_val)) for a, b in pairs(x, x_val)]
    )
    best = int(alone.argmax())
    name = declared[best] if declared else f"column {best}"
    evidence = f"{name} alone reaches {alone[best]:.3f} of what there is to know of val"
    if alone[best] < PERFECT:
        return passed(NAME, evidence)
    rest = [column for column in range(x.shape[1]) if column != best]
    second = max(0.0, float(np.delete(alone, best).max(initial=0.0)), by_line(x[:, rest], y, x_val[:, rest], y_val))
    evidence += f", all others together {second:.3f}"
    copied = copies(x[:, best], looked.train.labels, task) or renames(x[:, best], looked.train.labels, task)
    if second >= POORER and not copied:
        return passed(NAME, evidence)
    evidence += "; it is the label itself, under other numbers" if copied else ""
    return passed(NAME, f"{evidence}; it is declared as known") if declared else failed(NAME, evidence)


def painted(looked: Looked, task: Task) -> Check:
    """The most telling of very many values, such as a pixel, against those that are no copies of it."""
    most = max(FEWEST, HELD // max(1, int(np.prod(looked.shape))))
    rows = np.unique(np.linspace(0, len(looked.train.at) - 1, min(most, len(looked.train.at))).astype(int))
    x, x_val = standardised(*(part.reshape(len(part), -1) for part in (looked.train.inputs[rows], looked.val.inputs)))
    labels = looked.train.labels[rows]
    y, y_val = targets(labels, labels, task), targets(looked.val.labels, labels, task)
    telling = explained(x, y)
    best, alone = strongest(telling, x, y, x_val, y_val)
    where = ", ".join(str(int(place)) for place in np.unravel_index(best, looked.shape))
    evidence = f"the value at ({where}) alone reaches {alone:.3f} of what there is to know of val"
    if alone < PERFECT:
        return passed(NAME, evidence)
    copied = np.abs(x.T @ x[:, best]) > COPY * len(x)
    _, second = strongest(np.where(copied, 0.0, telling), x, y, x_val, y_val)
    evidence += f", the best that is no copy of it {second:.3f}"
    return passed(NAME, evidence) if second >= POORER else failed(NAME, evidence)


def explained(x: Array, y: Array) -> Array:
    """The share of each column's spread `(d,)` that classes, or a straight line of the target, explain."""
    total = np.maximum((x**2).sum(0), 1e-12)
    if y.shape[1] == 1:
        centred = y - y.mean(0)
        return np.asarray((centred.T @ x)[0] ** 2 / total / max(float((centred**2).sum()), 1e-12))
    return np.asarray((((y.T @ x) ** 2) / np.maximum(y.sum(0), 1)[:, None]).sum(0) / total)


def strongest(telling: Array, x: Array, y: Array, x_val: Array, y_val: Array) -> tuple[int, float]:
    """The column of the most skill by itself among those that are most telling, and its skill."""
    tried = np.argsort(-telling)[:TRIED]
    skills = [by_bins(x[:, each], y, x_val[:, each], y_val) for each in tried]
    return int(tried[int(np.argmax(skills))]), max(0.0, *skills)


def renames(column: Array, labels: Array, task: Task) -> bool:
    """Whether a column has one value for each class and no other."""
    if not has_classes(task):
        return False
    pairs = np.unique(np.stack([np.unique(part, return_inverse=True)[1] for part in (column, labels)]), axis=1)
    return bool(pairs.shape[1] == len(np.unique(labels)) == len(np.unique(column)) > 1)


def copies(column: Array, labels: Array, task: Task) -> bool:
    """Whether a column is a straight line of the label's own numbers, which names of classes have no reason to be."""
    y = labels.astype(np.float64)
    if column.std() == 0 or y.std() == 0:
        return False
    names = task.kind == "classification" and len(np.unique(labels)) > 2
    return bool(np.corrcoef(column, y)[0, 1] ** 2 > (LINE if names else SAME))


def pairs(x: Array, x_val: Array) -> Iterator[tuple[Array, Array]]:
    """Each column of train beside the same of val."""
    return zip(x.T, x_val.T, strict=True)


def targets(labels: Array, train: Array, task: Task) -> Array:
    """Labels as columns `(n, k)`: one for each class of train, or the value itself."""
    if has_classes(task):
        return np.asarray(labels[:, None] == np.unique(train)[None], dtype=np.float64)
    return np.asarray(labels, dtype=np.float64)[:, None]


def standardised(train: Array, val: Array) -> tuple[Array, Array]:
    """Both in units of train's spread, column by column."""
    centre, spread = train.mean(0, dtype=np.float64), train.std(0, dtype=np.float64)
    spread[spread == 0] = 1
    return (train - centre) / spread, (val - centre) / spread


def skill(found: Array, y: Array, y_val: Array) -> float:
    """What is explained of val beyond the best constant: 1 is everything, 0 nothing. Classes by their share right."""
    if y.shape[1] > 1:
        right = float(np.mean(found.argmax(1) == y_val.argmax(1)))
        floor = float(np.mean(y_val.argmax(1) == y.mean(0).argmax()))
        return 0.0 if floor == 1 else (right - floor) / (1 - floor)
    spread = float(((y_val - y.mean()) ** 2).sum())
    return 0.0 if spread == 0 else 1 - float(((found - y_val) ** 2).sum()) / spread


def by_bins(x: Array, y: Array, x_val: Array, y_val: Array) -> float:
    """The skill of the mean target in each of a column's quantile bins."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1]))
    here, there = np.searchsorted(edges, x), np.searchsorted(edges, x_val)
    counts = np.bincount(here, minlength=len(edges) + 1)[:, None]
    sums = np.stack([np.bincount(here, column, minlength=len(edges) + 1) for column in y.T], axis=1)
    means = np.where(counts, sums / np.maximum(counts, 1), y.mean(0))
    return skill(means[there], y, y_val)


def by_line(x: Array, y: Array, x_val: Array, y_val: Array) -> float:
    """The skill of a ridge regression on some columns."""
    if not x.shape[1]:
        return 0.0
    weights = np.linalg.solve(x.T @ x + len(x) * 1e-4 * np.eye(x.shape[1]), x.T @ (y - y.mean(0)))
    return skill(x_val @ weights + y.mean(0), y, y_val)
