"""Samples that are read one at a time, when a batch needs them: from a dataset with `__getitem__`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from receipts.data.protocol import is_lazy
from receipts.refusal import Refusal

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Items:
    """Rows of a dataset that are not read yet, and the fitted transforms that a batch of them goes through."""

    dataset: Any
    rows: Array
    steps: tuple[Any, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def samples(self, positions: Sequence[int] | Array) -> Iterator[Any]:
        """Samples by their position among these rows, as the dataset returns them."""
        return (self.dataset[int(self.rows[position])] for position in positions)

    def read(self, positions: Sequence[int] | Array) -> Any:
        """A batch of samples, collated and transformed: an array or a dictionary of arrays, order kept."""
        batch = collated(self.dataset, list(self.samples(positions)))
        for step in self.steps:
            batch = step(batch) if callable(step) else step.transform(batch)
        return batch

    def all(self) -> Any:
        """Every sample as one batch."""
        return self.read(range(len(self)))


def samples(dataset: Any, rows: Sequence[int] | Array) -> Iterator[Any]:
    """Samples by row, whichever way the dataset gives them."""
    if is_lazy(dataset):
        return Items(dataset, np.arange(len(dataset.ids))).samples(rows)
    inputs = dataset.inputs
    if isinstance(inputs, dict):
        return ({name: part[row] for name, part in inputs.items()} for row in rows)
    return (inputs[row] for row in rows)


def collated(dataset: Any, samples: list[Any]) -> Any:
    """Samples as one batch, by the dataset's own `collate` where it has one; one row for each of them."""
    own = getattr(dataset, "collate", None)
    batch = stacked(samples) if own is None else arrays(own(samples))
    parts = batch if isinstance(batch, dict) else {"x": batch}
    if wrong := [name for name, part in parts.items() if len(part) != len(samples)]:
        raise Refusal(
            f"{type(dataset).__qualname__}.collate made {len(parts[wrong[0]])} rows of {len(samples)}",
            "row and label are matched by their order",
            "return one row for every sample, in the order given",
        )
    return batch


def stacked(samples: list[Any]) -> Any:
    """Samples of one shape, one upon the other."""
    if isinstance(samples[0], Mapping):
        return {str(key): stacked([sample[key] for sample in samples]) for key in samples[0]}
    parts = [np.asarray(sample) for sample in samples]
    if len({part.shape for part in parts}) > 1:
        raise Refusal(
            f"samples have shapes {sorted({part.shape for part in parts})}",
            "they cannot be stacked into one batch",
            "give the dataset collate(self, samples), which pads or crops them",
        )
    return np.stack(parts)


def arrays(batch: Any) -> Any:
    """What a `collate` returned, as an array or a dictionary of arrays."""
    if isinstance(batch, Mapping):
        return {str(key): np.asarray(part) for key, part in batch.items()}
    if isinstance(batch, tuple | list):
        raise Refusal(
            f"collate returned a {type(batch).__name__}",
            "a batch of inputs is an array, a tensor, or a dictionary of them; targets are joined by the core",
            "return a dictionary that names the parts",
        )
    return np.asarray(batch)
