"""All methods on every slice that the dataset declares: the same paired tests as in the table, one Holm family.

From stored predictions alone: each holds, sample by sample, the part of every slicing it belongs to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from receipts.bounds import confine
from receipts.evaluation.received import read
from receipts.refusal import Refusal
from receipts.report import contrast, numerals, wording
from receipts.report.contrast import Contrast, Side, Terms
from receipts.report.intervals import estimate
from receipts.report.methods import slug
from receipts.report.model import Column, Estimate, Part, Receipt, Sliced
from receipts.report.stored import Sampled, Store
from receipts.runs.record import Record

Rows = NDArray[np.intp]


def sliced(
    name: str, column: Column, sides: Mapping[str, Side], against: str | None, terms: Terms, store: Store
) -> list[Sliced]:
    """Every slicing of a table's rows by one metric, parts worst first; nothing where none is declared.

    A row is left out of the slices where its predictions are not of the same samples, or not here.
    """
    first = next((run for side in sides.values() for run in side.runs.values()), None)
    labels = declared(first, terms.split, store) if first and not terms.folds else {}
    if not labels:
        return []
    known = same_samples({row: samples(side, column, terms, store) for row, side in sides.items()})
    ids = next(iter(known.values()))[0].ids if known else ()
    cut = {(slicing, part): rows for slicing, of in labels.items() for part, rows in parts(of, ids)}
    inside = {key: within(sides, known, rows) for key, rows in cut.items()}
    found = {key: compared(f"{name}.{'.'.join(key)}", key, inside, column, known, against, terms, cut) for key in cut}
    judged = iter(contrast.family([one for each in found.values() for one in each], terms))
    verdicts = {key: [next(judged) for _ in each] for key, each in found.items()}
    return [
        Sliced(slicing, column, sorted_parts([
            Part(part, len(cut[slicing, part]), estimates(inside[slicing, part], column), verdicts[slicing, part])
            for other, part in cut if other == slicing
        ], column))
        for slicing in labels
    ]  # fmt: skip


def numbered(
    name: str, found: Sequence[Sliced], labels: Mapping[str, str], receipts: Mapping[str, Receipt]
) -> list[Sliced]:
    """The slices with a number for all that is printed of them, under keys such as `main.by-ink.low.net`.

    Nothing of a table's own has such a key. A row's receipt is that of its table.
    """
    slicings = distinct([one.name for one in found])
    made = []
    for one in found:
        keys = distinct([part.name for part in one.parts])
        parts = [
            numbered_part(f"{name}.by-{slicings[one.name]}.{keys[part.name]}", one, part, labels, receipts)
            for part in one.parts
        ]
        made.append(replace(one, parts=parts))
    return made


def distinct(names: Sequence[str]) -> dict[str, str]:
    """Each name as a part of a key; names that are alike as such get a number."""
    found: dict[str, str] = {}
    for name in names:
        key, again = slug(name), 2
        while key in found.values():
            key, again = f"{slug(name)}-{again}", again + 1
        found[name] = key
    return found


def numbered_part(key: str, of: Sliced, part: Part, labels: Mapping[str, str], receipts: Mapping[str, Receipt]) -> Part:
    """One part with the numbers of each row, by kind."""
    places = numerals.of_column(part.estimates.values())
    judged = {one.row: replace(one, key=f"{key}.{one.row}") for one in part.comparisons}
    where = f"where {of.name} is {part.name} (n={part.n})"
    numbers = {
        row: wording.numbers(
            f"{key}.{row}", found, judged.get(row), of.column, f"{labels[row]} {where}", places, receipts[row]
        )
        for row, found in part.estimates.items()
    }
    return replace(part, numbers=numbers, comparisons=list(judged.values()))


def declared(record: Record, split: str, store: Store) -> dict[str, dict[str, str]]:
    """By slicing, the part of each sample by its id; nothing where the predictions hold none or are not here."""
    score = record.score(split)
    if score is None:
        return {}
    try:
        found = read(confine(store.runs / record.run_id, score.file))
    except Refusal:
        return {}  # a missing file is named where a number needs it
    return {slicing: dict(zip(found.ids, of, strict=True)) for slicing, of in found.slices.items()}


def samples(side: Side, column: Column, terms: Terms, store: Store) -> list[Sampled]:
    """What each sample adds to the metric, for every run of a row; nothing where one of them does not say."""
    found = [store.sampled(run, terms.split, column.metric) for run in side.runs.values()]
    known = [one for one in found if isinstance(one, Sampled)]
    return known if len(known) == len(found) else []


def same_samples(found: Mapping[str, list[Sampled]]) -> dict[str, list[Sampled]]:
    """The rows all of whose runs predicted the same samples as the first row that has any."""
    ids = next((each[0].ids for each in found.values() if each), ())
    return {row: each for row, each in found.items() if each and all(one.ids == ids for one in each)}


def parts(of: Mapping[str, str], ids: Sequence[str]) -> Iterator[tuple[str, Rows]]:
    """The rows of each part of a slicing, by name."""
    names = np.array([of.get(one, "") for one in ids], dtype=object)
    for part in sorted(set(of.values())):
        rows = np.flatnonzero(names == part)
        if len(rows):
            yield part, rows


def within(sides: Mapping[str, Side], known: Mapping[str, list[Sampled]], rows: Rows) -> dict[str, Side]:
    """The rows of a table with their values on some samples only."""
    return {
        row: replace(
            sides[row],
            points={seed: float(one.values[rows].mean()) for seed, one in zip(sides[row].runs, found, strict=True)},
        )
        for row, found in known.items()
    }


def compared(
    name: str, key: tuple[str, str], inside: Mapping[tuple[str, str], Mapping[str, Side]], column: Column,
    known: Mapping[str, list[Sampled]], against: str | None, terms: Terms, cut: Mapping[tuple[str, str], Rows],
) -> list[Contrast]:  # fmt: skip
    """Every row against the reference on one part, paired as in the table; deterministic methods sample by sample."""
    sides, rows = inside[key], cut[key]
    if against is None or against not in sides:
        return []
    kept: dict[tuple[str, str, str], Sampled | str] = {}
    for row, found in known.items():
        for run, one in zip(sides[row].runs.values(), found, strict=True):
            ids, units = tuple(one.ids[place] for place in rows), None if one.units is None else one.units[rows]
            kept[run.run_id, terms.split, column.metric] = Sampled(ids, one.values[rows], units)
    there = Store(Path(), kept)
    return [
        contrast.contrast(f"{name}.{row}", sides[row], sides[against], column, terms, there, sampled=False)
        for row in sides
        if row != against
    ]


def estimates(sides: Mapping[str, Side], column: Column) -> dict[str, Estimate]:
    """Each row's mean on a part, and its interval."""
    return {
        row: estimate(side.points, column.range, partial(default_rng, 0), deterministic=side.deterministic)
        for row, side in sides.items()
    }


def sorted_parts(found: list[Part], column: Column) -> list[Part]:
    """The part on which all methods together are worst comes first."""
    sign = 1 if column.better == "higher" else -1

    def mean(part: Part) -> float:
        return float(np.mean([one.mean for one in part.estimates.values() if one.mean is not None]))

    return sorted(found, key=lambda part: sign * mean(part))
