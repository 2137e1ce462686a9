"""A loader of somebody's own: its batches as they come, and a look at some of its rows beforehand."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from receipts.data import stored
from receipts.provenance.determinism import aside, held
from receipts.provenance.streams import restore, state_of
from receipts.refusal import Refusal

Array = np.ndarray[Any, Any]

PATIENCE_S = 5.0  # for looking at rows that may each have to be decoded
BLOCK = 64


@dataclass(frozen=True)
class Peeked:
    """Some rows of a loader: their places in its dataset, x as it is batched, y `(n, …)`, a hash of every x `(n,)`."""

    at: Array
    x: Any
    y: Array
    hashes: Array


@dataclass(frozen=True)
class OwnLoader:
    """A loader of somebody's own, of which the first `limit` rows are used."""

    source: Any
    limit: int | None

    def __len__(self) -> int:
        return row_count(self.source) if self.limit is None else min(self.limit, row_count(self.source))

    @property
    def places(self) -> Array | None:
        """The rows of the dataset that the loader draws from; None where only its sampler knows."""
        sampler, known = self.source.sampler, ("SequentialSampler", "RandomSampler", "WeightedRandomSampler")
        if (chosen := getattr(sampler, "indices", None)) is not None:
            return np.sort(np.asarray(chosen))[: self.limit]
        return np.arange(len(self)) if type(sampler).__name__ in known else None

    def peek(self, most: int) -> Peeked | None:
        """Rows spread over the loader, read from its dataset and put together by its `collate_fn`.

        Fewer where reading takes long; None where the dataset makes batches by itself or no `(x, y)`, and where only a
        sampler knows the rows. Nothing is drawn that training would have drawn: generators are put back, the
        dataset's own among them.
        """
        places = self.places
        if self.source.batch_size is None or places is None or not len(places):
            return None
        return self.read(places[np.unique(np.linspace(0, len(places) - 1, min(len(places), most)).astype(int))])

    def first(self, n: int) -> Any:
        """x of the first rows, as `peek` reads them; None where it cannot."""
        places = self.places
        found = None if self.source.batch_size is None or places is None else self.read(places[:n])
        return None if found is None else found.x

    def read(self, at: Array) -> Peeked | None:
        """The rows in these places, and nothing else moved."""
        with aside(0), untouched(self.source.dataset):
            return collated(self.source, at)


def collated(loader: Any, at: Array) -> Peeked | None:
    """Rows as one batch: all of them, or as many, evenly spread, as patience lasts for."""
    began, samples = time.monotonic(), {}
    for row in np.random.default_rng(0).permutation(at) if len(at) > BLOCK else at:
        samples[int(row)] = loader.dataset[int(row)]
        if len(samples) >= BLOCK and time.monotonic() - began > PATIENCE_S:
            break
    rows = np.array(sorted(samples))
    batch = loader.collate_fn([samples[int(row)] for row in rows])
    if not isinstance(batch, tuple | list) or len(batch) != 2 or len(batch[1]) != len(rows):
        return None
    x = plain(batch[0])
    return Peeked(rows, x, np.asarray(batch[1]), stored.digests(row_of(batch[0], row) for row in range(len(rows))))


def plain(part: Any) -> Any:
    """A part of a batch as arrays, however it is nested."""
    if isinstance(part, dict):
        return {str(key): plain(value) for key, value in part.items()}
    if isinstance(part, tuple | list):
        return {str(number): plain(value) for number, value in enumerate(part)}
    return np.asarray(part)


@contextmanager
def untouched(dataset: Any) -> Iterator[None]:
    """Put the generators that a dataset holds back to where they stood."""
    generators = held(dataset)
    before = [state_of(each) for each in generators]
    try:
        yield
    finally:
        for each, then in zip(generators, before, strict=True):
            restore(each, then)


def row_count(loader: Any) -> int:
    """How many rows a loader's dataset has."""
    return len(loader.dataset)


def batches(loader: Any, limit: int | None, name: str) -> Any:
    """Batches `(x, y)` until `limit` rows have passed, the last one cut to it."""
    left = row_count(loader) if limit is None else limit
    for batch in loader:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise Refusal(
                f"{name} gives batches that are no (x, y)",
                f"a batch is a {type(batch).__name__}; predict_step gets x alone, so the two must be told apart",
                "return (x, y) from the dataset; x may be a tuple or a dictionary",
            )
        n = len(batch[1])
        yield batch if n <= left else tuple(cut(part, left) for part in batch)
        left -= n
        if left <= 0:
            return


def cut(part: Any, n: int) -> Any:
    """The first n rows of a batch, however it is nested."""
    if isinstance(part, dict):
        return {key: cut(value, n) for key, value in part.items()}
    return type(part)(cut(value, n) for value in part) if isinstance(part, tuple | list) else part[:n]


def row_of(part: Any, row: int) -> Any:
    """One row of a batch, however it is nested."""
    if isinstance(part, dict):
        return {key: row_of(value, row) for key, value in part.items()}
    return [row_of(value, row) for value in part] if isinstance(part, tuple | list) else part[row]
