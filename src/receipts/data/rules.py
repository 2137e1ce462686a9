"""Split rules by name: each divides the rows of a dataset as a `split:` states, reproducibly from that alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from receipts.config import division
from receipts.config.schema import Split
from receipts.provenance.determinism import derive
from receipts.refusal import Refusal

Array = np.ndarray[Any, Any]
Rows = dict[str, Array]


def contiguous(dataset: Any, split: Split) -> Rows:
    """Blocks of neighbouring rows in the order of the shares: for files in which neighbours belong together."""
    return blocks(np.arange(len(dataset.ids)), split.shares)


def time(dataset: Any, split: Split) -> Rows:
    """The earliest rows first, in the order of the shares; rows of one moment stay on one side."""
    moments = np.asarray(column(dataset, "times", split.rule))
    order = np.argsort(moments, kind="stable")
    _, first, size = np.unique(moments[order], return_index=True, return_counts=True)
    middle = np.repeat(first + size / 2, size)
    edges = np.cumsum([0.0, *split.shares.values()]) * len(order)
    part = np.searchsorted(edges, middle, side="right") - 1
    return {name: np.sort(order[part == number]) for number, name in enumerate(split.shares)}


def entity(dataset: Any, split: Split) -> Rows:
    """Whole entities, in random order: no person, patient or writer stands on two sides."""
    entities = np.asarray(column(dataset, "entities", split.rule))
    parts = by_entity(np.arange(len(entities)), entities, list(split.shares.values()), generator(split))
    return dict(zip(split.shares, parts, strict=True))


def stratified(dataset: Any, split: Split) -> Rows:
    """Random rows, each class in the same shares everywhere; for rows that belong to nobody in common."""
    parts = by_class(
        np.arange(len(dataset.ids)), classes_of(dataset, split.rule), list(split.shares.values()), generator(split)
    )
    return dict(zip(split.shares, parts, strict=True))


def official(dataset: Any, split: Split) -> Rows:
    """The division that the dataset's authors published, in `dataset.official`.

    Where they publish no val, it is carved out of their train rows: the last of them, or random ones under `seed`
    (whole entities, or each class alike).
    """
    given = {name: np.sort(np.asarray(rows)) for name, rows in column(dataset, "official", split.rule).items()}
    if missing := [name for name in division.PARTS if name not in given and name != "val"]:
        raise Refusal(
            f"the official division has no {', '.join(missing)}",
            f"dataset.official names {', '.join(given) or 'nothing'}",
            "add its rows to dataset.official, or choose another rule",
        )
    if "val" not in given:
        given["train"], given["val"] = carve(dataset, given["train"], split)
    return {name: given[name] for name in split.shares if name in given}


def folds(dataset: Any, split: Split) -> Rows:
    """Fold number `fold` of `folds` is test, and val is carved out of the others, by entity or by class.

    Without a seed folds are blocks of neighbouring rows, and val is the last of the others.
    Whatever is chosen or fitted inside a fold therefore sees only that fold's own train and val rows.
    """
    assert split.folds is not None, "checked before"
    everyone, equal = np.arange(len(dataset.ids)), [1 / split.folds] * split.folds
    if split.seed is None:
        divided = list(blocks(everyone, dict(enumerate(equal))).values())  # type: ignore[arg-type]
    else:
        divided = grouped(dataset, everyone, equal, generator(split))
    test = divided[split.fold or 0]
    train, val = carve(dataset, np.setdiff1d(everyone, test), split)
    return {"train": train, "val": val, "test": test}


@dataclass(frozen=True)
class Rule:
    """A way to divide, and by how many rows a part may miss its share because of what must not be cut."""

    divide: Callable[[Any, Split], Rows]
    slack: Callable[[Any], int]


def largest(name: str) -> Callable[[Any], int]:
    """The most rows that share one value of a column."""
    return lambda dataset: int(np.unique(np.asarray(getattr(dataset, name)), return_counts=True)[1].max())


def classes(dataset: Any) -> int:
    """One row of every class."""
    return len(np.unique(strata(dataset, np.arange(len(dataset.ids)))))


def units(dataset: Any) -> int:
    """The largest entity, or one row of every class."""
    return classes(dataset) if getattr(dataset, "entities", None) is None else largest("entities")(dataset)


RULES = {
    "entity": Rule(entity, largest("entities")),
    "time": Rule(time, largest("times")),
    "contiguous": Rule(contiguous, lambda dataset: 1),
    "stratified": Rule(stratified, classes),
    "official": Rule(official, units),
    "folds": Rule(folds, units),
}


def divide(dataset: Any, split: Split) -> Rows:
    """Rows by split name, sorted; refused when a part is empty, shared, or not of the size that was declared."""
    division.check(split)
    rule = RULES[split.rule]
    rows, n = rule.divide(dataset, split), len(dataset.ids)
    slack = max(0.01 * n, rule.slack(dataset))
    for (one, first), (other, second) in combinations(rows.items(), 2):
        if shared := np.intersect1d(first, second).size:
            raise Refusal(f"{one} and {other} share {shared} rows", "no row is held back twice", "mend the division")
    for name, part in rows.items():
        wanted = split.shares[name] * n
        if len(part) == 0:
            raise Refusal(
                f"the {name} split is empty", f"{split.shares[name]:g} of {n} rows is none", "change split.shares"
            )
        if abs(len(part) - wanted) > slack:
            raise Refusal(
                f"the {name} split has {len(part)} rows",
                f"{split.shares[name]:g} of {n} was declared, and the rule {split.rule} may miss it by {slack:g}",
                f"change split.shares: {name} is {len(part) / n:.4g}",
            )
    return rows


def column(dataset: Any, name: str, rule: str) -> Any:
    """An optional attribute of a dataset that a rule cannot do without."""
    found = getattr(dataset, name, None)
    if found is None:
        others = ", ".join(other for other in division.RULES if other not in (rule, "datamodule"))
        raise Refusal(
            f"the rule {rule} needs {name}, and the dataset has none",
            "rows are divided by it; entity is the rule where none is stated",
            f"set self.{name} in {type(dataset).__qualname__}, or state another split.rule: {others}",
        )
    return found


def classes_of(dataset: Any, rule: str) -> Array:
    """The class of every row; refused where targets are no classes."""
    targets = np.asarray(dataset.targets)
    if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer):
        raise Refusal(
            f"the rule {rule} needs classes, and targets are {targets.dtype} of shape {targets.shape}",
            "each class is divided alike",
            "state another split.rule",
        )
    return targets


def generator(split: Split, *more: int) -> np.random.Generator:
    """The randomness of a rule: a function of its own seed, not of any run's."""
    return np.random.default_rng(derive("split", split.seed or 0, *more))


def blocks(rows: Array, shares: dict[str, float]) -> Rows:
    """Rows cut into neighbouring blocks."""
    edges = np.floor(np.cumsum([0.0, *shares.values()]) * len(rows) + 1e-9).astype(int)
    return {name: rows[first:last] for name, first, last in zip(shares, edges[:-1], edges[1:], strict=True)}


def carve(dataset: Any, rows: Array, split: Split) -> tuple[Array, Array]:
    """Train and val out of rows that hold both; the last rows are val where the split has no seed."""
    share = split.shares["val"] / (split.shares["val"] + split.shares["train"])
    if split.seed is None:
        cut = len(rows) - round(share * len(rows))
        return rows[:cut], rows[cut:]
    train, val = grouped(dataset, rows, [1 - share, share], generator(split, split.fold or 0))
    return train, val


def grouped(dataset: Any, rows: Array, shares: Sequence[float], rng: np.random.Generator) -> list[Array]:
    """Rows divided at random: whole entities where there are entities, else each class alike, else any rows."""
    entities = getattr(dataset, "entities", None)
    if entities is not None:
        return by_entity(rows, np.asarray(entities)[rows], shares, rng)
    return by_class(rows, strata(dataset, rows), shares, rng)


def part(dataset: Any, rows: Array, fraction: float) -> Array:
    """A fraction of some rows: whole entities or each class alike, the smaller fraction's among the larger's.

    The choice is the dataset's, not a seed's: runs of every seed and method learn from the same rows.
    """
    rng = np.random.default_rng(derive("fraction"))
    found = grouped(dataset, rows, [fraction, 1 - fraction], rng)[0]
    if not found.size:
        raise Refusal(
            f"fit.train_fraction {fraction:g} of {len(rows)} train rows is none",
            "a method learns from at least one row",
            "a larger fraction",
        )
    return found


def strata(dataset: Any, rows: Array) -> Array:
    """The class of each row; one and the same where targets are no classes."""
    targets = np.asarray(dataset.targets)[rows]
    return targets if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer) else np.zeros(len(rows), int)


def by_entity(rows: Array, entities: Array, shares: Sequence[float], rng: np.random.Generator) -> list[Array]:
    """Whole entities in random order, cut where their rows reach the shares."""
    _, member, size = np.unique(entities, return_inverse=True, return_counts=True)
    place = rng.permutation(len(size))  # of each entity in the random order
    before = np.cumsum(size[np.argsort(place)])
    middle = (before - size[np.argsort(place)] / 2)[place]
    part = np.searchsorted(np.cumsum([0.0, *shares]) * len(rows), middle, side="right") - 1
    return [rows[part[member] == number] for number in range(len(shares))]


def by_class(rows: Array, labels: Array, shares: Sequence[float], rng: np.random.Generator) -> list[Array]:
    """Random rows of each class, in the same shares."""
    found: list[list[Array]] = [[] for _ in shares]
    for label in np.unique(labels):
        own = rng.permutation(rows[labels == label])
        edges = np.rint(np.cumsum([0.0, *shares]) * len(own)).astype(int)
        for number, (first, last) in enumerate(pairwise(edges)):
            found[number].append(own[first:last])
    return [np.sort(np.concatenate(part)) for part in found]
