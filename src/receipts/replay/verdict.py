"""What a replay's numbers say of the printed ones: identical, within the declared margin, or different; and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from receipts.runs import diff
from receipts.runs.record import Record

Word = Literal["identical", "within the margin", "differs"]
ORDER: tuple[Word, ...] = ("identical", "within the margin", "differs")
QUIET = ("variables.", "pools.", "threads")  # parts of an environment that hardly ever explain a number


@dataclass(frozen=True)
class Compared:
    """One number, then and again."""

    split: str
    metric: str
    then: float | None
    again: float | None
    verdict: Word


def numbers(then: Record, again: Record) -> list[Compared]:
    """Every metric of every split that the record was scored on; one that the replay lacks differs."""
    found = []
    for split in dict.fromkeys(score.split for score in then.scores):
        ours, theirs = then.score(split), again.score(split)
        assert ours is not None
        for name, metric in ours.metrics.items():
            other = theirs.metrics.get(name) if theirs else None
            value = other.value if other else None
            margin = then.margin if name == then.primary else None
            word: Word = "differs" if other is None else judged(metric.value, value, margin)
            found.append(Compared(split, name, metric.value, value, word))
    return found


def judged(then: float | None, again: float | None, margin: float | None) -> Word:
    """Equal to the last digit, no farther apart than the declared margin of the primary metric, or neither."""
    if then == again:
        return "identical"
    if then is not None and again is not None and margin is not None and abs(then - again) <= margin:
        return "within the margin"
    return "differs"


def overall(found: Sequence[Compared], primary: str | None) -> Word:
    """Identical if all numbers are; otherwise the worst of the primary metric, whose margin was declared.

    Where only other metrics moved, the primary one is within its margin.
    """
    if all(one.verdict == "identical" for one in found):
        return "identical"
    mine = [one.verdict for one in found if one.metric == primary] or [one.verdict for one in found]
    return max(mine, key=ORDER.index) if "differs" in mine else "within the margin"


def same_files(then: Record, again: Record) -> list[str]:
    """Which prediction files, and whether the weights, are the same byte for byte."""
    told = []
    for split in dict.fromkeys(score.split for score in then.scores):
        ours, theirs = then.score(split), again.score(split)
        assert ours is not None
        if theirs is not None:
            told.append(f"predictions of {split} {'equal' if ours.sha256 == theirs.sha256 else 'differ'}")
    if then.checkpoint and again.checkpoint:
        told.append(f"weights {'equal' if then.checkpoint.weights == again.checkpoint.weights else 'differ'}")
    return told


def causes(then: Record, before: Path, again: Record, after: Path) -> list[str]:
    """What else differs between two runs that should be one: config, code, lock, data, split, then the environments."""
    parts = [
        f"{part}: {getattr(then.identity, part)[:12]} → {getattr(again.identity, part)[:12]}"
        for part in ("config", "code", "lock", "data", "split")
        if getattr(then.identity, part) != getattr(again.identity, part)
    ]
    worlds = diff.changed(diff.world(then), diff.world(again))
    environments = diff.changed(diff.environment(before), diff.environment(after))
    shown = [change for change in (*worlds, *environments) if not change.name.startswith(QUIET)]
    return parts + [f"{change.name}: {change.a} → {change.b}" for change in shown]
