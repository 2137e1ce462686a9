"""What the splits of a dataset share, found out once, when it is divided: nothing here is ever opened again."""

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType

from receipts.data import butone, encoded, lagged, misplaced, moments, twins, views
from receipts.data.facts import ButOne, Copies, Facts, Lagged, NearDuplicates, Twins
from receipts.data.items import samples
from receipts.data.rules import Array, Rows
from receipts.refusal import Refusal

METHOD = (
    f"nearest row of the splits before it within `below` of the distance of the {twins.K}th neighbour; images as means "
    "of cells, mirrored too, tables with each column in units of its spread"
)
SHOWN = 5
SAMPLED = 2000
NOUGHT, ABOVE = 1e-5, 1e-4  # of the deviation: a mean that somebody took off, and one that is there


def facts(dataset: Any, rows: Rows, x: Array, found: Array | None, near: float) -> Facts:
    """What the splits share, counted over val and test against what stands before them."""
    entities, times = (getattr(dataset, name, None) for name in ("entities", "times"))
    shared = None if entities is None else shared_values(np.asarray(entities), rows)
    ordered = None if times is None else in_order(np.asarray(times), rows)
    return Facts(
        shared,
        ordered,
        shared_values(x, rows),
        near_duplicates(dataset, rows, x, found, near),
        copies(dataset, rows, x, found),
        centred(found, rows["train"]),
        encoded_columns(dataset, found, rows["train"]),
        UNSET if found is None or times is not None else out_of_order(found, rows),
        UNSET if found is None else misplaced.by(found, np.asarray(dataset.targets)) or UNSET,
    )


def out_of_order(found: Array, rows: Rows) -> int | UnsetType:
    """The column of moments by which splits are not in order; nothing is said where there is none."""
    column = moments.column(found)
    return UNSET if column is None or in_order(found[:, column], rows) else column


def encoded_columns(dataset: Any, found: Array | None, train: Array) -> list[int] | UnsetType:
    """Columns that hold mean labels of all rows; nothing is said where there are none."""
    if found is None or len(shape_of(dataset)) != 1:
        return UNSET
    return encoded.columns(found, np.asarray(dataset.targets), train) or UNSET


def in_order(times: Array, rows: Rows) -> bool:
    """Whether all of train comes before all of val, and that before all of test."""
    parts = [times[rows[name]] for name in ("train", "val", "test")]
    return all(bool(np.max(before) <= np.min(after)) for before, after in pairwise(parts))


def shared_values(values: Array, rows: Rows) -> int:
    """How many distinct values occur in more than one split."""
    seen = [np.unique(values[part]) for part in rows.values()]
    _, counts = np.unique(np.concatenate(seen), return_counts=True)
    return int(np.sum(counts > 1))


def earlier(rows: Rows) -> list[tuple[str, Array]]:
    """Each held-back split and the rows of the splits before it, sorted."""
    names = list(rows)
    return [
        (name, np.sort(np.concatenate([rows[before] for before in names[:place]])))
        for place, name in enumerate(names)
        if place
    ]


def copies(dataset: Any, rows: Rows, x: Array, found: Array | None) -> list[Copies]:
    """Rows of each held-back split that stand in an earlier one, byte for byte."""
    _, counts = np.unique(x[rows["train"]], return_counts=True)
    inside = float(counts[counts > 1].sum() / len(rows["train"]))
    told = []
    for name, before in earlier(rows):
        twice = rows[name][np.isin(x[rows[name]], x[before])]
        pairs = [(str(dataset.ids[row]), str(dataset.ids[before[x[before] == x[row]][0]])) for row in twice[:SHOWN]]
        chance = 0.0 if found is None else by_accident(found[rows["train"]], len(rows[name]), len(before))
        told.append(Copies(name, len(twice), len(rows[name]), rounded(inside), rounded(chance), pairs))
    return told


def by_accident(train: Array, n: int, before: int) -> float:
    """How many of n rows would equal one of the rows before them though nobody copied: coarse tables have such rows.

    Columns are taken for independent, which counts too few, so half of the bits they tell apart by are left out.
    """
    return float(min(n, n * before * 2 ** (-bits_of(train).sum() / 2)))


def bits_of(train: Array) -> Array:
    """How many bits each column tells two rows apart by."""
    sample = train[np.unique(np.linspace(0, len(train) - 1, min(len(train), SAMPLED)).astype(int))]
    shares = [np.unique(column, return_counts=True)[1] / len(sample) for column in sample.T]
    return np.array([-np.log2((share**2).sum()) for share in shares])


def rounded(value: float) -> float:
    """Three digits, so that a manifest made on another machine is the same file."""
    return float(f"{value:.3g}")


def near_duplicates(dataset: Any, rows: Rows, x: Array, found: Array | None, near: float) -> NearDuplicates:
    """Rows of val and test that are nearly equal to a row of an earlier split, exact copies aside."""
    if found is None:
        return NearDuplicates(0, "not searched: samples are no numbers of one shape", near)
    shape = () if isinstance(getattr(dataset, "inputs", None), dict) else shape_of(dataset)
    space = twins.Space(found, rows["train"], shape)
    searched = {name: twins.search(space, rows[name], before, rows["train"], x, near) for name, before in earlier(rows)}
    told = [
        Twins(
            name,
            each.n,
            each.looked,
            rounded(each.inside),
            rounded(each.by_accident),
            by_id(dataset, [(row, other) for row, other, _ in each.pairs]),
            views.search(space, partial(stacked, dataset), rows[name], dict(earlier(rows))[name]),
            *of_columns(dataset, rows, found, name),
        )
        for name, each in searched.items()
        if each is not None
    ]
    if len(told) < len(searched):
        return NearDuplicates(0, "not searched: too few rows to say what is near", near)
    return NearDuplicates(sum(each.n for each in told), METHOD, near, told)


def of_columns(dataset: Any, rows: Rows, found: Array, name: str) -> tuple[ButOne | UnsetType, Lagged | UnsetType]:
    """Rows of a split that equal earlier ones in all columns but one, or some columns later; only of tables."""
    if len(shape_of(dataset)) != 1:
        return UNSET, UNSET
    asked, inside = (twins.spread_over(rows[split]) for split in (name, "train"))
    others, bits = dict(earlier(rows))[name], bits_of(found[rows["train"]])
    one = butone.search(found, asked, others, inside, rows["train"], bits)
    later = lagged.search(found, asked, others, bits)
    told: ButOne | UnsetType = UNSET
    if one is not None:
        shares = rounded(one.inside), rounded(one.by_accident)
        told = ButOne(one.column, one.n, len(asked), *shares, by_id(dataset, one.pairs))
    return told, UNSET if later is None else Lagged(later.lag, later.n, len(asked), by_id(dataset, later.pairs))


def by_id(dataset: Any, pairs: list[tuple[int, int]]) -> list[tuple[str, str]]:
    """Pairs of rows as people know them."""
    return [(str(dataset.ids[row]), str(dataset.ids[other])) for row, other in pairs]


def stacked(dataset: Any, rows: Array) -> Array:
    """Some samples as one array."""
    return np.stack([np.asarray(sample) for sample in samples(dataset, rows)])


def centred(found: Array | None, train: Array) -> float | None:
    """The share of varied columns, or of all values at once, with a mean of nought over all rows but not over train's.

    Such data were centred by a mean that held-back rows are part of.
    """
    if found is None:
        return None
    values, spread = found.astype(np.float64), found.std(0, dtype=np.float64)
    varied = spread > 1e-6 * max(float(spread.max()), 1e-30)
    if not varied.any():
        return 0.0
    whole, own = values.mean(0)[varied] / spread[varied], values[train].mean(0)[varied] / spread[varied]
    each = float(np.mean((np.abs(whole) < NOUGHT) & (np.abs(own) > ABOVE)))
    together = abs(values.mean() / values.std()) < NOUGHT and abs(values[train].mean() / values.std()) > ABOVE
    return rounded(max(each, float(together)))


def shape_of(dataset: Any) -> tuple[int, ...]:
    """The shape of one sample; of one that is a dictionary, none."""
    if getattr(dataset, "inputs", None) is not None:
        return tuple(np.shape(dataset.inputs)[1:])
    first = dataset[0]
    return () if isinstance(first, dict) else tuple(np.shape(first))


def refuse_not_finite(dataset: Any, found: Array | None, rows: Rows) -> None:
    """Refuse to divide samples or targets with NaN or infinity, the test split's among them."""
    targets = np.asarray(dataset.targets)
    columns = {"inputs": found, "targets": targets if targets.dtype.kind == "f" else None}
    for name, values in columns.items():
        if values is None:
            continue
        bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(1))
        if bad.size:
            where = ", ".join(f"{np.isin(bad, part).sum()} {split}" for split, part in rows.items())
            raise Refusal(
                f"{bad.size} rows have NaN or infinite {name}",
                f"first of them {', '.join(str(dataset.ids[row]) for row in bad[:SHOWN])}; by split: {where}",
                "mend or drop them where the data are derived; nothing is imputed silently",
            )
