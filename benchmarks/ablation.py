"""F6: an ablation of V arms over S seeds, against as many launches of `python train.py` one after the other.

python benchmarks/ablation.py [ROUNDS [CELLS]]      (5, and 4, 12 and 25, unless said; every round has seeds of its own)

Wall seconds only: cells are no children of ablate.py, and their processor time does not show in its own.
"""

import os
import sys
from itertools import product

from measure import clone, compare, middle, python, tell

ARMS = ("model.dropout=0", "model.dropout=0.1", "model.dropout=0.4", "model.dropout=0.5")
SIZES = ((2, 2), (3, 4), (5, 5))  # arms, the reference among them, and seeds
SHARED = ("conf=baseline", "fit.epochs=2")
APART = 1000  # between the seeds of two rounds


def ablated(place, arms: int, seeds: int, first: int) -> tuple[float, float]:
    """The plan, start to end."""
    override = f"override=[{','.join(ARMS[: arms - 1])}]"
    return python(place, "ablate.py", *SHARED, override, f"seeds={seeds}", f"seed={first}")


def launched(place, arms: int, seeds: int, first: int) -> tuple[float, float]:
    """The same cells, each a command of its own."""
    changes = [(), *((word,) for word in ARMS[: arms - 1])]
    cells = list(product(range(first, first + seeds), changes))
    times = [python(place, "train.py", *SHARED, *change, f"seed={seed}") for seed, change in cells]
    return sum(wall for wall, _ in times), sum(cpu for _, cpu in times)


def figure(place, arms: int, seeds: int, rounds: int, offset: int) -> None:
    """One size: medians and their ratio."""
    ours, theirs = compare(
        lambda n: ablated(place, arms, seeds, offset + 2 * n * APART),
        lambda n: launched(place, arms, seeds, offset + (2 * n + 1) * APART),
        rounds,
    )
    pairs = [b[0] / a[0] for a, b in zip(ours, theirs, strict=True)]
    tell(
        "F6",
        what=f"{arms} arms x {seeds} seeds: separate launches / ablate.py, wall",
        cells=arms * seeds,
        ratio=round(middle(theirs) / middle(ours), 3),
        ratios=[round(ratio, 3) for ratio in pairs],
        seconds=round(middle(ours), 2),
        against=round(middle(theirs), 2),
        cores=len(os.sched_getaffinity(0)),
        goal=">= 3",
    )


if __name__ == "__main__":
    rounds, cells = (*map(int, sys.argv[1:]), *(5, 0)[len(sys.argv) - 1 :])
    with clone() as place:
        for number, (arms, seeds) in enumerate(SIZES):
            if cells in (0, arms * seeds):
                figure(place, arms, seeds, rounds, 1_000_000 * (number + 1))
