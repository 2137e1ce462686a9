"""A column that names whom rows belong to, while the division knows of nobody: labels are looked up."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.schema import Task
from receipts.data.manifest import Manifest
from receipts.guards.data import leaks
from receipts.guards.data.looking import Looked
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

NAME = "entities-undeclared"
NAMES = 20  # values below which a column may well be a category
DISTINCT, SEEN = 0.8, 0.5  # distinct values a row, at most; the share of val rows whose value train has
KNOWN, BEYOND = 0.8, 0.4  # skill of looking the label up by the value, and beyond that of its size
COARSE = 8  # parts of a column's range, for its size


def audit(looked: Looked | None, manifest: Manifest, task: Task) -> Iterator[Check]:
    """Whether a column of whole numbers gives the label only when looked up, value by value, on both sides."""
    if manifest.facts is not None and manifest.facts.entities is not None:
        yield not_applicable(NAME, "the dataset declares its entities")
    elif manifest.features is not None:
        yield not_applicable(NAME, "every column is declared")
    elif looked is None or not looked.is_table or looked.shape[0] > leaks.WIDEST or looked.train.labels.ndim > 1:
        yield not_applicable(NAME, "samples are no rows of columns, or labels no single numbers")
    else:
        yield verdict(looked, task)


def verdict(looked: Looked, task: Task) -> Check:
    """The first column that is a name."""
    y, y_val = (leaks.targets(rows.labels, looked.train.labels, task) for rows in (looked.train, looked.val))
    for number, (column, val) in enumerate(leaks.pairs(looked.train.inputs, looked.val.inputs)):
        seen = np.isin(val, column)
        if not is_name(column) or seen.mean() < SEEN:
            continue
        by_name = leaks.skill(looked_up(column, y, val[seen]), y, y_val[seen])
        by_size = leaks.skill(looked_up(*sized(column, y, val[seen])), y, y_val[seen])
        if by_name >= KNOWN and by_name - by_size >= BEYOND:
            return failed(
                NAME,
                f"column {number} has {len(np.unique(column))} whole numbers in train, {seen.mean():.0%} of val rows "
                f"share one with train, and looking it up gives {by_name:.2f} of the label, its size {by_size:.2f}",
            )
    return passed(NAME, f"none of {looked.shape[0]} columns names whom a row belongs to, as far as labels show")


def is_name(column: Array) -> bool:
    """Whether a column may hold names: many whole numbers, which come again."""
    if not bool((column == np.round(column)).all()):
        return False
    return NAMES <= len(np.unique(column)) <= DISTINCT * len(column)


def looked_up(column: Array, y: Array, asked: Array) -> Array:
    """The mean target `(n, k)` of the train rows that share a value with each asked one."""
    values, at = np.unique(column, return_inverse=True)
    sums = np.stack([np.bincount(at, part, minlength=len(values)) for part in y.T], axis=1)
    means = sums / np.bincount(at, minlength=len(values))[:, None]
    return np.asarray(means[np.minimum(np.searchsorted(values, asked), len(values) - 1)])


def sized(column: Array, y: Array, asked: Array) -> tuple[Array, Array, Array]:
    """The same question of a few parts of the column's range, as a quantity would answer it."""
    edges = np.unique(np.quantile(column, np.linspace(0, 1, COARSE + 1)[1:-1]))
    return np.searchsorted(edges, column), y, np.searchsorted(edges, asked)
