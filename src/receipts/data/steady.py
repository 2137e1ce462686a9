"""Whether a dataset says the same each time it is asked: without that no split holds and no number can be repeated."""

from typing import Any

import numpy as np

from receipts.data import stored
from receipts.data.items import Items, samples
from receipts.provenance.determinism import aside
from receipts.refusal import Refusal

Array = np.ndarray[Any, Any]

SPREAD = 200  # rows of a dataset with `__getitem__` that are looked at when each of them costs a read


def content_hashes(dataset: Any) -> tuple[Array, Array]:
    """A hash of every sample and of every label, before transforms: two `(n,)` arrays of uint64."""
    rows = range(len(dataset.ids))
    return stored.digests(samples(dataset, rows)), stored.digests(np.asarray(dataset.targets))


def spread(n: int) -> Array:
    """Row numbers, evenly spread, no more than a start can afford to read."""
    return np.unique(np.linspace(0, n - 1, min(n, SPREAD)).astype(int))


def refuse_unsteady(first: Any, second: Any) -> None:
    """Refuse a dataset that changes between two reads: `second` was built like `first`, and both are asked.

    Ids and labels are compared whole, samples on rows spread over the dataset, each read three times.
    """
    name, rows = type(first).__qualname__, spread(len(first.ids))
    if list(first.ids) != list(second.ids):
        raise unsteady(
            name,
            "built twice, it gave other ids or another order of them",
            "sort what a folder or a set gives in any order",
        )
    if stored.changed(stored.digests(np.asarray(first.targets)), stored.digests(np.asarray(second.targets))).size:
        raise unsteady(name, "built twice, it gave other targets", "seed or take out what draws in __init__")
    with aside(0):
        once = stored.digests(samples(first, rows))
    with aside(1):
        again, built_again = stored.digests(samples(first, rows)), stored.digests(samples(second, rows))
    moved = stored.changed(once, again)
    moved = moved if moved.size else stored.changed(once, built_again)
    if moved.size:
        ids = ", ".join(str(first.ids[rows[position]]) for position in moved[:5])
        raise unsteady(
            name, f"{moved.size} of {len(rows)} samples were others the second time, first of them {ids}", ""
        )


def refuse_unsteady_batch(items: Items) -> None:
    """Refuse a `collate` that draws: a batch of held-back rows is the same each time it is read."""
    positions = range(min(len(items), 8))
    with aside(0):
        once = stored.content(items.read(positions))
    with aside(1):
        again = stored.content(items.read(positions))
    if once != again:
        raise unsteady(type(items.dataset).__qualname__, "its collate made another batch of the same samples", "")


def unsteady(name: str, how: str, cure: str) -> Refusal:
    """The refusal of a dataset that changes between two reads."""
    return Refusal(
        f"{name} changes between two reads",
        f"{how}; what is held back and what is scored would be another thing each time",
        cure or "put what draws into an augmentation: augment: [{_target_: lab.…}], which meets train batches only",
    )
