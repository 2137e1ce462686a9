"""What a dataset is: plain attributes, nothing to inherit."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from receipts.refusal import Refusal

KINDS = ("real", "simulated", "synthetic", "generated")
PER_ROW = ("entities", "groups", "times", "slices")


@runtime_checkable
class Dataset(Protocol):
    """A map-style dataset of N samples that knows their ids and raw labels.

    `ids` are unique, stable and in row order; `targets` is `(N, *target)`; `files` are the paths, relative to the
    project, that the data checksum covers. The samples are `inputs` (an array, a memory map or a dictionary of
    arrays, first axis N). Optional arrays of length N: `entities groups times slices`.
    """

    ids: Sequence[str]
    targets: np.ndarray[Any, Any]
    files: Sequence[str]
    kind: str
    source: str
    licence: str
    version: str


def check(dataset: Any) -> None:
    """Refuse an object that is no dataset, saying what it lacks."""
    name = type(dataset).__qualname__
    needed = ("ids", "targets", "files", "kind", "source", "licence", "version", "inputs")
    if missing := [attribute for attribute in needed if getattr(dataset, attribute, None) is None]:
        raise Refusal(
            f"{name} is not a dataset: it has no {', '.join(missing)}",
            "data._target_ must build something with ids, targets, inputs, files, kind, source, licence and version",
            f"set self.{missing[0]} in {name}.__init__",
        )
    if dataset.kind not in KINDS:
        raise Refusal(f"{name}.kind is {dataset.kind!r}", f"it is one of {', '.join(KINDS)}", f"correct {name}.kind")
    check_rows(dataset, name)


def check_rows(dataset: Any, name: str) -> None:
    """Ids unique, and everything that comes once a row as long as the ids."""
    n = len(dataset.ids)
    if n == 0:
        raise Refusal(f"{name} has no rows", "there is nothing to learn from", f"check what {name} reads")
    if len(set(dataset.ids)) != n:
        twice = [sample for sample, count in Counter(dataset.ids).items() if count > 1]
        raise Refusal(
            f"{name} has duplicate ids: {', '.join(map(str, twice[:5]))}",
            f"{len(twice)} of them among {n} rows; a prediction could not be told from another",
            "give every row an id of its own",
        )
    for key, rows in lengths(dataset).items():
        if rows != n:
            raise Refusal(
                f"{name} has {n} ids and {rows} {key}", "they belong together row by row", f"check how {key} are read"
            )
    for key, values in arrays(dataset).items():
        if np.asarray(values[:1]).dtype == object:
            raise Refusal(
                f"{name} holds Python objects as {key}",
                "their content cannot be hashed, so a sample that changed would go unseen",
                "make them numbers, or texts: np.array(texts, dtype=str)",
            )


def arrays(dataset: Any) -> dict[str, Any]:
    """Inputs and targets by name."""
    inputs = dataset.inputs if isinstance(dataset.inputs, dict) else {"inputs": dataset.inputs}
    return {**inputs, "targets": dataset.targets}


def lengths(dataset: Any) -> dict[str, int]:
    """How many rows each per-row attribute has."""
    optional = {key: getattr(dataset, key) for key in PER_ROW if getattr(dataset, key, None) is not None}
    return {key: len(rows) for key, rows in {**arrays(dataset), **optional}.items()}
