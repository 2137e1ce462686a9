"""One comparison of two rows: which test the runs allow, both sources of error, and the reason in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from receipts.refusal import Refusal
from receipts.report import comparing, samples
from receipts.report.comparing import Difference
from receipts.report.families import benjamini_hochberg, holm
from receipts.report.intervals import LEAST, Values
from receipts.report.methods import Picked
from receipts.report.model import Column, Comparison
from receipts.report.stored import Sampled, Store
from receipts.runs.record import Record
from receipts.runs.views import counted

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """A row's runs and their values of one metric, by seed, or by fold of a cross-validation."""

    row: Picked
    runs: Mapping[int, Record]
    points: Mapping[int, float]
    deterministic: bool

    @property
    def values(self) -> Values:
        """All values, in the order of their seeds."""
        return np.array(list(self.points.values()), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A comparison before its family is known: the difference (positive is better), and what goes with it."""

    key: str
    side: Side
    against: Side
    column: Column
    difference: Difference | None
    note: str = ""
    sample: tuple[float, float] | None = None
    flip: float | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What all comparisons of a table share: the declared margin of its primary metric, α, and the cross-validation."""

    split: str
    primary: str
    margin: float | None
    alpha: float
    folds: int | None = None
    exploratory: bool = False


def contrast(key: str, a: Side, b: Side, column: Column, terms: Terms, store: Store, *, sampled: bool) -> Contrast:
    """Compare a row with its reference; `sampled` reads predictions for the error of the test sample."""
    sign = 1 if column.better == "higher" else -1
    difference, note = tested(a, b, sign, column, terms, store)
    both = per_sample(a, b, column, terms, store) if sampled and difference else None
    interval = None
    if isinstance(both, tuple) and difference and not (a.deterministic and b.deterministic):
        interval = samples.two_way(sign * both[0], both[1])
    few = difference is None or difference.n < comparing.FLIPS or not difference.test.startswith("paired")
    pairs = None if few else paired_values(a, b, sign)
    flip = None if pairs is None else flipped(tuple(pairs))
    return Contrast(key, a, b, column, difference, note, interval, flip)


def tested(a: Side, b: Side, sign: int, column: Column, terms: Terms, store: Store) -> tuple[Difference | None, str]:
    """The test that the runs allow, or why there is none."""
    if not a.points or not b.points:
        return None, "one of the two has no number"
    if terms.folds:
        return of_folds(a, b, sign, terms, store)
    if a.deterministic and b.deterministic:
        return of_samples(a, b, sign, column, terms, store)
    if a.deterministic or b.deterministic:
        return of_fixed(a, b, sign)
    pairs = paired_values(a, b, sign)
    if pairs is not None and len(pairs) > 1:
        left = len(set(a.points) ^ set(b.points))
        return comparing.paired(pairs, np.zeros(len(pairs))), f"{left} unshared seeds left out" if left else ""
    if min(len(a.points), len(b.points)) > 1:
        return comparing.welch(sign * a.values, sign * b.values), "they share too few seeds to be paired"
    return None, "n=1" + single(a, b, column, terms, store)


def paired_values(a: Side, b: Side, sign: int) -> Values | None:
    """Differences over shared seeds, where these are all seeds or at least five; None otherwise."""
    shared = [seed for seed in a.points if seed in b.points]
    if not shared or a.deterministic or b.deterministic:
        return None
    if len(shared) < LEAST and set(a.points) != set(b.points):
        return None
    return np.array([sign * (a.points[seed] - b.points[seed]) for seed in shared], dtype=np.float64)


def of_folds(a: Side, b: Side, sign: int, terms: Terms, store: Store) -> tuple[Difference | None, str]:
    """The folds of one cross-validation, which differ whether or not a method has randomness."""
    shared = [fold for fold in a.points if fold in b.points]
    if len(shared) < 2:
        return None, "they share fewer than two folds"
    ours, theirs = (np.array([sign * side.points[fold] for fold in shared], dtype=np.float64) for side in (a, b))
    left = len(set(a.points) ^ set(b.points))
    try:
        test_share = max(held_out(side, terms, store) for side in (a, b))  # of unlike ones the more cautious
    except Refusal as problem:
        return None, problem.what
    return comparing.folded(ours, theirs, test_share), f"{counted(left, 'unshared fold')} left out" if left else ""


def held_out(side: Side, terms: Terms, store: Store) -> float:
    """n_test / n_train of a fold: of the rows that are neither held out nor val, the part that is learnt from."""
    folds = terms.folds or 2
    found = {split: [score.n for run in side.runs.values() if (score := run.score(split))] for split in ("test", "val")}
    test, val = (float(np.mean(sizes)) if sizes else 0.0 for sizes in found.values())
    train = (folds - 1) * test - val
    share = test / train if test and train > 0 else 1 / (folds - 1)
    return share / store.train_fraction(next(iter(side.runs.values())))


def of_fixed(a: Side, b: Side, sign: int) -> tuple[Difference | None, str]:
    """A method with seeds and one without."""
    seeds, fixed = (b, a) if a.deterministic else (a, b)
    if len(seeds.points) < 2:
        return None, "n=1"
    found = comparing.against_fixed(sign * seeds.values, sign * float(fixed.values[0]))
    return (replace(found, delta=-found.delta) if a.deterministic else found), ""


def of_samples(
    a: Side, b: Side, sign: int, column: Column, terms: Terms, store: Store
) -> tuple[Difference | None, str]:
    """Two deterministic methods: the test sample is all that varies, so they are paired by sample."""
    found = per_sample(a, b, column, terms, store)
    if isinstance(found, str):
        return None, f"no interval over samples: {found}"
    values, units, right = found
    note = exact(right) if right else ""
    return samples.over_samples(sign * values[0], units), note


def single(a: Side, b: Side, column: Column, terms: Terms, store: Store) -> str:
    """What one run each can say: McNemar's test of these two models on these samples, never of the methods."""
    found = per_sample(a, b, column, terms, store) if len(a.points) == len(b.points) == 1 else ""
    return f"; of these two models alone, {told}" if found and not isinstance(found, str) and (
        told := exact(found[2]) if found[2] else ""
    ) else ""  # fmt: skip


def exact(right: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> str:
    """McNemar's test in words."""
    only_a, only_b, p = samples.mcnemar(*right)
    return f"{counted(only_a, 'sample')} right only here and {only_b} only there, exact McNemar p = {p:.2g}"


PerSample = tuple[Values, NDArray[np.int64] | None, tuple[NDArray[np.bool_], NDArray[np.bool_]] | None]


def per_sample(a: Side, b: Side, column: Column, terms: Terms, store: Store) -> PerSample | str:
    """Differences a - b by seed and sample (S, N), the samples' entities, and for right or wrong both sides of the
    first seed; or why there are none.
    """
    pairs = partners(a, b)
    if not pairs or terms.folds:
        return "no shared seeds"
    tables: list[tuple[Sampled, Sampled]] = []
    for one, other in pairs:
        x, y = store.sampled(one, terms.split, column.metric), store.sampled(other, terms.split, column.metric)
        if isinstance(x, str) or isinstance(y, str):
            return x if isinstance(x, str) else str(y)
        tables.append((x, y))
    ids = tables[0][0].ids
    if any(side.ids != ids for pair in tables for side in pair):
        return "not the same samples"
    values = np.stack([x.values - y.values for x, y in tables])
    x, y = tables[0]
    shares = column.metric in ("accuracy", "micro_f1")
    right = (x.values > 0.5, y.values > 0.5) if shares and x.units is None else None
    return values, x.units, right


def partners(a: Side, b: Side) -> Sequence[tuple[Record, Record]]:
    """The runs that are compared sample by sample: of one seed, or each with the one run of a deterministic method."""
    if a.deterministic:
        return [(next(iter(a.runs.values())), run) for seed, run in b.runs.items() if seed in b.points]
    if b.deterministic:
        return [(run, next(iter(b.runs.values()))) for seed, run in a.runs.items() if seed in a.points]
    return [(run, b.runs[seed]) for seed, run in a.runs.items() if seed in a.points and seed in b.points]


@lru_cache(maxsize=4096)
def flipped(pairs: tuple[float, ...]) -> float | None:
    """The sign-flip test of differences, always from the same generator."""
    return comparing.sign_flip(np.array(pairs, dtype=np.float64), default_rng(0))


def family(found: Sequence[Contrast], terms: Terms) -> list[Comparison]:
    """The comparisons of one family with their corrected p and verdicts: Holm, or BH where nobody declared them."""
    tests = [one.difference.p for one in found if one.difference]
    adjusted = iter((benjamini_hochberg if terms.exploratory else holm)(tests))
    return [finished(one, next(adjusted) if one.difference else None, terms, len(tests)) for one in found]


def finished(found: Contrast, adjusted: float | None, terms: Terms, size: int) -> Comparison:
    """One comparison, judged."""
    a, b, column, difference = found.side, found.against, found.column, found.difference
    sign = 1 if column.better == "higher" else -1
    plain = Comparison(
        key=found.key, row=a.row.name, against=b.row.name, column=column.metric,
        n=difference.n if difference else min(len(a.points), len(b.points)),
        delta=None, low=None, high=None, p=None, p_holm=None, verdict="inconclusive", reason=found.note,
        expected=a.row.expect, labels=(a.row.label, b.row.label),
    )  # fmt: skip
    if difference is None or adjusted is None:
        return replace(plain, delta=float(a.values.mean() - b.values.mean())) if a.points and b.points else plain
    margin, whose = margin_of(a, b, column, terms, difference)
    blocked = forbidden(a, b, difference)
    verdict, meaningful = comparing.judge(difference, adjusted, margin, terms.alpha, enough=not blocked)
    needed = None if terms.folds else comparing.seeds_needed(difference, margin, terms.alpha)  # there are no more folds
    low, high = turned(difference.interval(1 - terms.alpha), sign)
    sample = turned(found.sample, sign) if found.sample else (None, None)
    over = "samples" if a.deterministic and b.deterministic else "seeds"
    parts = [
        blocked,
        f"{difference.test}, p = {difference.p:.2g}, {'BH, exploratory' if terms.exploratory else 'Holm'} of {size}: "
        f"{adjusted:.2g}",
        f"margin {margin:.3g} {whose}",
        found.note,
        f"{needed} {over} would settle it" if verdict == "inconclusive" and needed and needed > difference.n else "",
    ]
    return replace(
        plain, delta=sign * difference.delta, low=low, high=high, p=difference.p, p_holm=adjusted, verdict=verdict,
        reason="; ".join(part for part in parts if part), d_z=difference.d_z,
        improvement=comparing.improvement(a.values, b.values, sign), seeds_needed=needed, sign_flip_p=found.flip,
        sample_low=sample[0], sample_high=sample[1], meaningful=meaningful, margin=margin, test=difference.test,
    )  # fmt: skip


def turned(interval: tuple[float, float], sign: int) -> tuple[float, float]:
    """An interval of an oriented difference in the metric's own direction."""
    return interval if sign > 0 else (-interval[1], -interval[0])


def margin_of(a: Side, b: Side, column: Column, terms: Terms, difference: Difference) -> tuple[float, str]:
    """The smallest difference worth a sentence: declared for the primary metric, else a fifth of the pooled SD."""
    if column.metric == terms.primary and terms.margin is not None:
        return terms.margin, "declared"
    pooled = comparing.pooled(a.values, b.values) or difference.spread
    return comparing.SHARE * pooled, "(0.2 pooled SD, none is declared)"


def forbidden(a: Side, b: Side, difference: Difference) -> str:
    """Why there can be no verdict: too few seeds, or failures in an arm that nobody made up for."""
    failures = [
        f"{side.row.label} has {count} unscored failure{'s' if count > 1 else ''}"
        for side in (a, b)
        if (count := unscored(side))
    ]
    few = [f"n={difference.n} < {LEAST}"] if comparing.too_few(difference.n) else []
    return "; ".join([*few, *failures])


def unscored(side: Side) -> int:
    """Seeds of a row that failed and were not run again, or whose score lacks this metric."""
    done = {run.identity.id for run in side.row.runs}
    lost = {run.identity.id for run in side.row.failed if run.status != "completed"} - done
    return len(lost) + len(side.runs) - len(side.points)
