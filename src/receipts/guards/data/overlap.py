"""What splits share: copies, near copies, entities, the order of times. Judged by the manifest, which opens nothing."""

from collections.abc import Iterator
from math import log
from types import SimpleNamespace

import msgspec
import numpy as np
from scipy.special import bdtrc

from receipts.checks.catalogue import NOTE, failed, not_applicable, not_run, passed
from receipts.data import shared, twins, views
from receipts.data.facts import ButOne, Copies, Facts, NearDuplicates, Twins
from receipts.data.manifest import Manifest
from receipts.guards.data.looking import Looked
from receipts.runs.record import Check

OLDER = "the manifest was made by an older core: receipts split NAME, and commit it"
SURE = 1e-4  # chance of so many twins where there is no leak; a hundred splits later one alarm would be false
COPIED = 0.002  # share of a split that a few coincidences of rich samples never reach
FORMS = 40  # in which an image is looked for
TWINS, FEW = 0.005, 3  # share and number of near twins below which a number hardly moves
MANY, RARE = 0.1, 3e-4  # share of near twins that samples of so many dimensions have only where they were multiplied


def overlaps(manifest: Manifest) -> Iterator[Check]:
    """A verdict for everything that two splits may share."""
    facts = manifest.facts
    if facts is None:
        return  # a DataModule's own division; what is not run is told where it is opened
    yield copies(facts.copies)
    yield near(facts.near_duplicates_across)
    yield entities(facts)
    yield times(facts)


def between(looked: Looked | None) -> Iterator[Check]:
    """Whether rows of val stand in train, among those that were looked at; for loaders, whose rows no manifest has."""
    names = ("split-overlap", "near-duplicates")
    if looked is None or looked.train.hashes is None or looked.val.hashes is None:
        yield from (not_run(name, "the loaders' rows cannot be read one by one as numbers") for name in names)
        return
    x = np.concatenate([looked.train.hashes, looked.val.hashes])
    n, rows = len(looked.train.at), np.arange(len(x))
    divided = {"train": rows[:n], "val": rows[n:]}
    found = np.concatenate([twins.coarse(part.inputs) for part in (looked.train, looked.val)])
    labels = [f"{name}/{at}" for name in ("train", "val") for at in getattr(looked, name).at]
    both = np.concatenate([looked.train.inputs, looked.val.inputs])
    of_both = SimpleNamespace(ids=labels, inputs=both)
    for check in (
        copies(shared.copies(of_both, divided, x, found)),
        near(shared.near_duplicates(of_both, divided, x, found, twins.FRACTION)),
    ):
        yield msgspec.structs.replace(check, evidence=f"{check.evidence}; test is not known")


def copies(found: list[Copies] | None) -> Check:
    """Exact copies: more of them than samples of so few values bring by themselves."""
    name = "split-overlap"
    if found is None:
        return not_run(name, OLDER)
    copied = [told(each.split, each.n, each.of, each.pairs, "equal") for each in found if is_copied(each)]
    if copied:
        return failed(name, "; ".join(copied))
    some = [f"{each.n} of {each.of} {each.split} rows" for each in found if each.n]
    natural = f"{' and '.join(some)} equal an earlier one, no more than such samples do by themselves"
    return passed(name, natural if some else "no row of val or test stands in an earlier split")


def is_copied(each: Copies) -> bool:
    """Whether rows were copied: beyond coincidence, and beyond what train holds twice where that is little."""
    share = each.n / each.of
    if each.by_accident >= 1:
        expected = max(each.inside, each.by_accident / each.of, 1 / each.of)
        return each.n > FEW and float(bdtrc(each.n - 1, each.of, min(expected, 1.0))) < SURE
    natural = share <= each.inside and share < 0.01
    return share >= COPIED and not natural


def near(found: NearDuplicates) -> Check:
    """Near twins: more of them than train has of its own, or than scattered samples can have."""
    name = "near-duplicates"
    if found.splits is None:
        return not_run(name, found.method if found.method.startswith("not searched") else OLDER)
    leaked = [
        f"{told(each.split, each.n, each.looked, each.pairs, 'nearly equal')}; inside train {each.inside:.1%} are"
        for each in found.splits
        if is_leaked(each)
    ]
    leaked += [
        f"{each.changed[0]} of {each.changed[1]} {each.split} images are equal to earlier ones, {each.changed[2]}"
        for each in found.splits
        if is_multiplied(each)
    ]
    leaked += [
        f"{told(each.split, some.n, some.looked, some.pairs, f'equal but for column {some.column}')}; "
        f"inside train {some.inside:.1%} are"
        for each in found.splits
        if (some := each.but_one) and is_shared(some)
    ]
    leaked += [
        told(each.split, window.n, window.looked, window.pairs, f"equal but for being shifted by {window.lag} columns")
        for each in found.splits
        if (window := each.lagged)
    ]
    if leaked:
        return failed(name, "; ".join(leaked))
    seen = ", ".join(f"{each.n} of {each.looked} {each.split} rows" for each in found.splits)
    return passed(name, f"{seen} have a twin nearer than {found.below:g} of the sixth neighbour's distance")


def is_leaked(each: Twins) -> bool:
    """Whether there are so many twins that rows were copied and changed a little."""
    return is_shared(each) or (each.n / each.looked >= MANY and each.by_accident < RARE and each.n >= FEW)


def is_shared(each: Twins | ButOne) -> bool:
    """Whether there are more such rows than train has inside itself, or than chance would bring."""
    if each.n < FEW or each.n / each.looked < TWINS:
        return False
    natural = max(3 * each.inside, 3 * each.by_accident, 1 / each.looked)  # both are estimates, from few rows
    return float(bdtrc(each.n - 1, each.looked, min(natural, 1.0))) < SURE


def is_multiplied(each: Twins) -> bool:
    """Whether images are others in a changed form: more of them than scattered points would be, in all forms tried."""
    n, looked, _ = each.changed
    chance = min(1.0, FORMS * (twins.K - 1) * views.CLOSE ** dimension_of(each.by_accident))
    return n >= FEW and n / looked >= TWINS and float(bdtrc(n - 1, looked, chance)) < SURE


def dimension_of(by_accident: float) -> float:
    """In how many dimensions points lie that have a twin by accident so often."""
    return log(max(by_accident, 1e-12) / (twins.K - 1)) / log(twins.FRACTION)


def told(split: str, n: int, of: int, pairs: list[tuple[str, str]], how: str) -> str:
    """How many rows of a split, and the first few with what they equal."""
    shown = ", ".join(f"{one} = {other}" for one, other in pairs)
    return f"{n} of {of} {split} rows are {how} to rows of an earlier split ({shown})"


def entities(facts: Facts) -> Check:
    """Entities on two sides."""
    if facts.entities is None:
        return not_applicable("entity-overlap", "the dataset declares no entities")
    if facts.entities:
        return failed("entity-overlap", f"{facts.entities} entities have rows in more than one split")
    return passed("entity-overlap", "every entity has all of its rows in one split")


def times(facts: Facts) -> Check:
    """Train before val before test."""
    if facts.times is None:
        told = "the dataset declares no times"
        if facts.moments is not msgspec.UNSET:
            told += (
                f"{NOTE}column {facts.moments} holds moments, and some rows of train are later than held-back ones; "
            )
            told += "declare dataset.times if predictions are of the future"
        return not_applicable("time-order", told)
    if not facts.times:
        return failed("time-order", "some rows of train are later than some of val or test")
    return passed("time-order", "train ends before val begins, and val before test")
