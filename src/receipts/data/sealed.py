"""The sealed view: a dataset of which only the opened splits can be read.

User code that opens the file itself is outside the seal; what goes through the core is not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from receipts.data import protocol, slices, stored
from receipts.data.items import Items, samples
from receipts.data.manifest import Manifest
from receipts.refusal import Refusal

Array = np.ndarray[Any, Any]
Inputs = Array | dict[str, Array]


@dataclass(frozen=True)
class Subset:
    """The rows of one split: ids (n), inputs with first axis n, raw targets `(n, *target)`, optional columns.

    Inputs are arrays, or `Items` where a dataset gives its samples one at a time, or the loader of a DataModule.
    """

    name: str
    ids: list[str]
    inputs: Any
    targets: Array
    entities: list[str] | None
    groups: list[str] | None
    slices: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass
class SealedData:
    """A dataset and its manifest. `opened` names the splits that may be read; `limit` caps the rows of each.

    `thinned` chooses, of a dataset and its train rows, those that there are for anyone; None is all of them.
    """

    dataset: Any
    manifest: Manifest
    opened: tuple[str, ...]
    limit: int | None
    thinned: Callable[[Any, Array], Array] | None = None
    _rows: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        protocol.check(self.dataset)
        self._refuse_other_length()

    def ids(self, split: str) -> list[str]:
        """The ids of an opened split, in row order."""
        return [str(self.dataset.ids[row]) for row in self.rows(split)]

    def subset(self, split: str) -> Subset:
        """The rows of an opened split; a sealed one raises."""
        rows = self.rows(split)
        targets = take(np.asarray(self.dataset.targets), rows)
        columns = {name: self._column(name, rows) for name in ("entities", "groups")}
        return Subset(split, self.ids(split), self._inputs(rows), targets, **columns, slices=self._slices(rows))

    def rows(self, split: str) -> Array:
        """Row numbers of an opened split, the first `limit` of them under a limit."""
        if split not in self.manifest.splits:
            known = ", ".join(self.manifest.splits)
            raise Refusal(f"there is no split {split!r}", f"the manifest has {known}", "name one of them")
        if split not in self.opened:
            raise Refusal(
                f"the {split} split is sealed",
                "only eval.py opens it, once, and the opening is counted",
                "python eval.py run_id=latest",
            )
        if split not in self._rows:
            rows = self._all_rows[split]
            kept = self.thinned(self.dataset, rows) if split == "train" and self.thinned else rows
            self._rows[split] = kept[: self.limit]
        return self._rows[split]

    def __getitem__(self, sample: str) -> Any:
        """The input of one sample by id; an id of a sealed split raises."""
        row = next((row for row, name in enumerate(self.dataset.ids) if str(name) == sample), -1)
        for name, rows in self._all_rows.items():
            if row in rows:
                self.rows(name)
                return next(samples(self.dataset, [row]))
        raise KeyError(sample)

    @cached_property
    def _all_rows(self) -> dict[str, Array]:
        return stored.rows(self.manifest)

    def _inputs(self, rows: Array) -> Inputs | Items:
        if protocol.is_lazy(self.dataset):
            return Items(self.dataset, rows)
        inputs = self.dataset.inputs
        return (
            {key: take(part, rows) for key, part in inputs.items()} if isinstance(inputs, dict) else take(inputs, rows)
        )

    def _column(self, name: str, rows: Array) -> list[str] | None:
        values = getattr(self.dataset, name, None)
        return None if values is None else [str(values[row]) for row in rows]

    def _slices(self, rows: Array) -> dict[str, list[str]]:
        declared = getattr(self.dataset, "slices", None) or {}
        return slices.labelled(declared, rows.tolist(), self._all_rows.get("train", rows).tolist())

    def _refuse_other_length(self) -> None:
        last = max(int(rows[-1]) + 1 for rows in self._all_rows.values())
        if last > len(self.dataset.ids):
            raise Refusal(
                f"the dataset has {len(self.dataset.ids)} rows, its manifest divides {last}",
                "the same files were read into fewer rows than when the split was made",
                "receipts split NAME      (and commit it)",
            )


def take(values: Any, rows: Array) -> Array:
    """Rows of an array: a view where they are neighbours (a memory map stays one), a copy otherwise.

    Read-only: a transform that writes into its input would change the dataset, and then be applied to it again.
    """
    together = len(rows) and rows[-1] - rows[0] + 1 == len(rows)
    taken = np.asarray(values[int(rows[0]) : int(rows[-1]) + 1] if together else values[rows])
    taken.flags.writeable = False
    return taken


def floats(inputs: Inputs) -> Inputs:
    """Inputs as methods get them: float32 unless they are an index."""
    if isinstance(inputs, dict):
        return {key: as_float(part) for key, part in inputs.items()}
    return as_float(inputs)


def as_float(part: Array) -> Array:
    """One array as float32; integers stay what they are, since they may be indices."""
    return part if np.issubdtype(part.dtype, np.integer) else np.asarray(part, dtype=np.float32)


def first_rows(inputs: Inputs, n: int) -> Inputs:
    """The first n rows."""
    return {key: part[:n] for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[:n]


def as_matrix(subset: Subset) -> Array:
    """Inputs for an estimator: `(n, features)`."""
    inputs = subset.inputs.all() if isinstance(subset.inputs, Items) else subset.inputs
    if isinstance(inputs, dict):
        raise Refusal(
            "an estimator cannot take a dictionary of inputs",
            f"{subset.name} has {', '.join(inputs)}",
            "give the dataset a single array of inputs, or use a LightningModule",
        )
    return np.asarray(floats(inputs)).reshape(len(subset), -1)


def names_of(subsets: Sequence[Subset]) -> str:
    """Split names and sizes in one phrase."""
    return ", ".join(f"{len(subset)} {subset.name}" for subset in subsets)
