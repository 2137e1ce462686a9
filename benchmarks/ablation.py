"""F6: an ablation of V arms over S seeds, against as many launches of `python train.py` one after the other.

python benchmarks/ablation.py [ROUNDS [CELLS,…]]      (5, and 4,12,25, unless said; every round has seeds of its own)

With several sizes, also the power of the cells that the time grows with: a plan has a start of its own, so below one.

Wall seconds only: cells are no children of ablate.py, and their processor time does not show in its own.
"""

import math
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


def figure(place, arms: int, seeds: int, rounds: int, offset: int) -> float:
    """One size: medians and their ratio; the seconds of the plan."""
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
    return middle(ours)


def sizes(text: str) -> list[tuple[int, int]]:
    """The sizes that were asked for, by their numbers of cells."""
    known = {arms * seeds: (arms, seeds) for arms, seeds in SIZES}
    wanted = [int(cells) for cells in text.split(",")] if text else list(known)
    if unknown := set(wanted) - known.keys():
        sys.exit(f"there is no plan of {unknown} cells; known are {', '.join(map(str, known))}")
    return [known[cells] for cells in wanted]


if __name__ == "__main__":
    rounds, asked = [*sys.argv[1:], *("5", "")[len(sys.argv) - 1 :]]
    taken = {}
    with clone() as place:
        for arms, seeds in sizes(asked):
            offset = 1_000_000 * (SIZES.index((arms, seeds)) + 1)
            taken[arms * seeds] = figure(place, arms, seeds, int(rounds), offset)
    if len(taken) > 1:
        (small, fast), *_, (large, slow) = sorted(taken.items())
        tell("F6", exponent=round(math.log(slow / fast) / math.log(large / small), 3), goal="<= 1.1: linear")
