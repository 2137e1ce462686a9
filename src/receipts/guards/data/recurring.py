"""Values that recur, such as a black background, a grey level or a category: two splits have the same ones.

Splits of one origin may differ in how often a value occurs, hardly ever in which values occur at all. Where each has
recurring values that the other has never seen, they went through other arithmetic: another mean, another divisor.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

COMMON, FEWEST = 0.005, 5  # share of all values, and how many, from which on a value recurs
MASS = 0.05  # share of all values that recurring ones make up, or there is nothing to compare
STRANGE = 0.9  # share of recurring values that the other split never shows
FINE = 1e-4  # of the spread: nearer values are one, since the same sum may be rounded in two ways
OFF = 0.02  # of the step between neighbouring values: so far off, a value is on no common scale
WIDEST = 1024  # columns that are looked at one by one


def moved(train: Array, val: Array, table: bool) -> str:
    """In words, where recurring values of val lie beside those of train; empty where they do not.

    Inputs are `(n, …)`. Of a table more than half of the columns, and more than two, have to be moved.
    """
    if not table and elsewhere(train.ravel(), val.ravel()):
        return f"values that recur in train ({shown(train.ravel())}) never occur in val ({shown(val.ravel())})"
    train, val = train.reshape(len(train), -1), val.reshape(len(val), -1)
    if train.shape[1] > WIDEST:
        return ""
    judged = [elsewhere(a, b) for a, b in zip(train.T, val.T, strict=True)]
    known = [each for each in judged if each is not None]
    if sum(known) > max(2, len(known) / 2):
        return f"in {sum(known)} of {len(known)} columns the values that recur in train never occur in val"
    return ""


def elsewhere(train: Array, val: Array) -> bool | None:
    """Whether recurring values of each never occur in the other, on no common scale; None where too few recur."""
    spread = float(train.std())
    if spread == 0:
        return None
    one, other = (np.round(part / (spread * FINE)).astype(np.int64) for part in (train, val))
    here, there = recurring(one), recurring(other)
    if here is None or there is None or len(here[0]) < 2:
        return None
    strange = min(unseen(here, other), unseen(there, one)) >= STRANGE
    return strange and not on_one_scale(here[0], there[0])


def recurring(values: Array) -> tuple[Array, Array] | None:
    """The values that recur, sorted, and how often; None where they are too small a part."""
    found, counts = np.unique(values, return_counts=True)
    often = counts >= max(FEWEST, COMMON * len(values))
    return (found[often], counts[often]) if counts[often].sum() >= MASS * len(values) else None


def unseen(often: tuple[Array, Array], others: Array) -> float:
    """The share of recurring values that do not occur among others, give or take a rounding."""
    found, counts = often
    return float(counts[~among(found, np.unique(others))].sum() / counts.sum())


def among(values: Array, known: Array) -> Array:
    """Which values are known, give or take a rounding."""
    return np.asarray(np.isin(values, known) | np.isin(values - 1, known) | np.isin(values + 1, known))


def on_one_scale(here: Array, there: Array) -> bool:
    """Whether values continue each other, as the years of two periods do: they lie whole steps apart."""
    step = float(np.median(np.diff(here)))
    steps = (there - here[0]) / step
    return bool(np.mean(np.abs(steps - np.round(steps)) <= max(OFF, 2 / step)) >= STRANGE)


def shown(values: Array) -> str:
    """The commonest values, a few."""
    found, counts = np.unique(values, return_counts=True)
    return ", ".join(f"{value:.4g}" for value in found[np.argsort(-counts)][:3])
