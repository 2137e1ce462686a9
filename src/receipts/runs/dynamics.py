"""How training went, from history.csv alone: did it diverge, how soon did it get somewhere, how far apart are seeds.

Pure functions of rows, so that whoever compares settings of one key (a sweep) can say more than where they ended.
"""

import csv
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from receipts.bounds import read_whole
from receipts.refusal import Refusal

Row = Mapping[str, float | None]
COUNTED = ("step", "epoch", "elapsed_s")
MOST = 2**53  # beyond, floats no longer count, and a moment in milliseconds no longer fits 64 bits


@dataclass(frozen=True)
class Dynamics:
    """Several runs of one setting. `diverged` and `reached` are numbers of runs out of `n`.

    `steps` is the median over those runs that reached the threshold; `spread` the standard deviation (n - 1) of their
    last values. Both are None where there are too few runs for them.
    """

    n: int
    diverged: int
    reached: int
    steps: float | None
    spread: float | None

    @property
    def share_diverged(self) -> float:
        """The share of runs that diverged."""
        return self.diverged / self.n


def read(path: Path) -> list[Row]:
    """The rows of a run's history.csv; an empty cell is None, and a last line still being written is left out.

    Nothing where there is no such file (estimators).
    """
    try:
        text = read_whole(path).decode()
        lines = text[: text.rfind("\n") + 1].splitlines()
        rows = list(csv.DictReader(lines, strict=True))
        found: list[Row] = [{name: None if cell == "" else float(cell) for name, cell in row.items()} for row in rows]
        if not all(abs(row.get(name) or 0) <= MOST for row in found for name in COUNTED):
            raise ValueError("a step or a time is not finite, or beyond what anybody can count")
        return found
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, csv.Error) as error:  # no UTF-8, no number, cells too many or too few, no CSV
        raise Refusal(f"{path} is no history of a run", str(error), "restore it from a backup") from error


def is_diverged(history: Sequence[Row]) -> bool:
    """Whether the loss became NaN or infinite, or ended above where it began; not known of a run without losses."""
    losses = [loss for row in history if (loss := row.get("loss")) is not None]
    return bool(losses) and (not all(map(math.isfinite, losses)) or losses[-1] > losses[0])


def steps_to(history: Sequence[Row], column: str, threshold: float, better: Literal["higher", "lower"]) -> float | None:
    """The optimizer step at which a column first reached a threshold; None where it never did."""
    for row in history:
        value, step = row.get(column), row.get("step")
        if value is None or step is None or math.isnan(value):
            continue
        if value >= threshold if better == "higher" else value <= threshold:
            return step
    return None


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation (n - 1) of some values; None of fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def summarise(
    histories: Sequence[Sequence[Row]], column: str, threshold: float, better: Literal["higher", "lower"]
) -> Dynamics:
    """Several seeds of one setting; `column` is the one that the threshold is of, such as `val/accuracy`."""
    found = [steps_to(history, column, threshold, better) for history in histories]
    steps = [step for step in found if step is not None]
    finals = [last for history in histories if (last := final(history, column)) is not None]
    return Dynamics(
        n=len(histories),
        diverged=sum(is_diverged(history) for history in histories),
        reached=len(steps),
        steps=statistics.median(steps) if steps else None,
        spread=spread(finals),
    )


def final(history: Sequence[Row], column: str) -> float | None:
    """The last finite value of a column."""
    values = [value for row in history if (value := row.get(column)) is not None and math.isfinite(value)]
    return values[-1] if values else None
