"""Slices: parts of a dataset that its author wants looked at, declared beside the samples.

`slices = {"tool": ("column", tools), "ink": ("quantile", sums), "text": ("length", texts), "word": ("rarity", words)}`:
a name, how it is cut, and one value for each row. Edges and counts come from the train rows, so a slice is the same
for every split and method, and no label is asked.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from receipts.refusal import Refusal

KINDS = ("column", "quantile", "length", "rarity")
PARTS = 4
RARE = 10  # times in train from which a value is not rare
Declared = dict[str, tuple[str, Sequence[Any]]]


def check(declared: Any, n: int, name: str) -> None:
    """Refuse slices that are not declared as a name, a kind and one value for each of n rows."""
    example = 'slices = {"ink": ("quantile", self.inputs.sum(1))}'
    if not isinstance(declared, dict):
        raise Refusal(f"{name}.slices is no dictionary", "each slice has a name, a kind and values", example)
    for key, entry in declared.items():
        if not (isinstance(entry, tuple) and len(entry) == 2 and entry[0] in KINDS):
            raise Refusal(f"{name}.slices[{key!r}] is no (kind, values)", f"kinds are {', '.join(KINDS)}", example)
        if len(entry[1]) != n:
            raise Refusal(
                f"{name} has {n} ids and {len(entry[1])} values for the slice {key!r}",
                "they belong together row by row",
                f"check how {key!r} is read",
            )
        if entry[0] == "quantile" and not are_numbers(entry[1]):
            raise Refusal(
                f"{name}.slices[{key!r}] holds what is no number, NaN or infinity",
                "a quantile of it would be none",
                "give those rows a number, or cut by column",
            )
        if entry[0] == "length" and not all(hasattr(value, "__len__") for value in entry[1]):
            raise Refusal(
                f"{name}.slices[{key!r}] holds values without a length",
                "`length` cuts by len(value): of texts, lists, arrays",
                "numbers are cut by quantile",
            )


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all values are finite numbers."""
    try:
        return bool(np.isfinite(np.asarray(values, dtype=object).astype(np.float64)).all())
    except (TypeError, ValueError):
        return False


def labelled(declared: Declared, rows: Sequence[int], train: Sequence[int]) -> dict[str, list[str]]:
    """The slice of each of these rows, by name of the slicing."""
    return {name: of(kind, values, rows, train) for name, (kind, values) in declared.items()}


def of(kind: str, values: Sequence[Any], rows: Sequence[int], train: Sequence[int]) -> list[str]:
    """One slicing: the label of each of these rows."""
    mine, theirs = [values[row] for row in rows], [values[row] for row in train]
    if kind == "column":
        return [str(value) for value in mine]
    if kind == "rarity":
        seen = Counter(map(str, theirs))
        return [rarity(seen[str(value)]) for value in mine]
    if kind == "length":
        mine, theirs = [len(value) for value in mine], [len(value) for value in theirs]
    return by_quantile(np.asarray(mine, dtype=np.float64), np.asarray(theirs, dtype=np.float64))


def rarity(times: int) -> str:
    """How often a value stands in train, in words."""
    if times == 0:
        return "0 times in train"
    return f"1 to {RARE - 1} times in train" if times < RARE else f"{RARE} times or more in train"


def by_quantile(values: np.ndarray[Any, Any], train: np.ndarray[Any, Any]) -> list[str]:
    """The quarter of train that a value lies in; fewer parts where train repeats itself."""
    edges = np.unique(np.quantile(train, np.linspace(0, 1, PARTS + 1)[1:-1]))
    inner = [f"over {low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    names = [f"up to {edges[0]:.4g}", *inner, f"over {edges[-1]:.4g}"]
    ordered = [f"{number} of {len(names)}: {name}" for number, name in enumerate(names, 1)]
    return [ordered[part] for part in np.searchsorted(edges, values, side="left")]
