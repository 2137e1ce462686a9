"""What a record's scores say beyond their numbers: each class by itself, and how far 95 % intervals reach."""

import math
from typing import NamedTuple

from receipts.runs.record import Interval, Record, Score
from receipts.runs.sheets import sheet

SHOWN = 20  # classes in a README; per_class.csv holds all


class ClassFigures(NamedTuple):
    """One class: TP / (TP + FP), TP / (TP + FN), 2 TP / (2 TP + FP + FN), and how many targets it has.

    None where the denominator is zero: never given, never true, neither.
    """

    label: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def per_class(confusion: list[list[int]]) -> list[ClassFigures]:
    """Every class of a confusion matrix (true classes down, given classes across)."""
    given = [sum(column) for column in zip(*confusion, strict=True)]
    return [
        ClassFigures(
            label,
            ratio(row[label], given[label]),
            ratio(row[label], sum(row)),
            ratio(2 * row[label], given[label] + sum(row)),
            sum(row),
        )
        for label, row in enumerate(confusion)
    ]


def ratio(part: int, whole: int) -> float | None:
    """A share, or None of nothing."""
    return part / whole if whole else None


def per_class_csv(record: Record) -> str | None:
    """The figures of every class on every split's latest score; None for a task without classes."""
    rows = [
        (split, *("" if value is None else value for value in figures))
        for split in dict.fromkeys(score.split for score in record.scores)
        if (score := record.score(split)) and score.confusion
        for figures in per_class(score.confusion)
    ]
    if not rows:
        return None
    return sheet([("split", *ClassFigures._fields), *rows])


def per_class_table(score: Score) -> str:
    """Each class in Markdown, the worst F1 first; at most `SHOWN` of them."""
    found = sorted(per_class(score.confusion or []), key=lambda each: -1 if each.f1 is None else each.f1)
    rows = [
        f"| {each.label} | {share(each.precision)} | {share(each.recall)} | {share(each.f1)} | {each.support} |"
        for each in found[:SHOWN]
    ]
    more = [f"\nThe worst {SHOWN} of {len(found)} classes; `per_class.csv` has all."] if len(found) > SHOWN else []
    head = ["| class | precision | recall | F1 | support |", "|---|---|---|---|---|"]
    return "\n".join([f"{score.split}, worst first:", "", *head, *rows, *more])


def share(value: float | None) -> str:
    """A share with three decimals, or the word for none."""
    return "undefined" if value is None else f"{value:.3f}"


def precision_note(record: Record, score: Score) -> str | None:
    """How wide the primary metric's interval is against the margin; None where the metric has no interval."""
    interval = score.intervals.get(record.primary or "")
    if interval is None:
        return None
    width, digits = interval.high - interval.low, decimals((interval.high - interval.low) / 2)
    found = f"{score.split} {record.primary}: {span(interval)}, {width:.{digits}f} wide ({interval.method})"
    if not record.margin:
        return f"{found}; task.margin is not stated, so nothing says whether that is narrow"
    if width > record.margin:
        told = "one number on these samples cannot show a difference of that size"
        return f"{found}; wider than the margin of {record.margin:g}: {told}"
    return f"{found}; narrower than the margin of {record.margin:g}"


def span(interval: Interval) -> str:
    """An interval with as many digits as its width has meaning."""
    digits = decimals((interval.high - interval.low) / 2)
    return f"{interval.level:.0%} interval {interval.low:.{digits}f} to {interval.high:.{digits}f}"


def decimals(half: float) -> int:
    """Decimals worth printing beside a half-width: its leading three digits 100–354 leave two digits, 355–949 one,
    950–999 two after rounding up (the rule of the Particle Data Group).
    """
    if half <= 0 or not math.isfinite(half):
        return 4
    power = math.floor(math.log10(half))
    leading = round(half / 10.0**power * 100)
    if leading >= 950:  # it rounds up to 1000, of which two digits are kept
        power, leading = power + 1, 100
    digits = 2 if leading <= 354 else 1
    return max(0, digits - 1 - power)
