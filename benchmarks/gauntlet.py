"""F10: the gauntlet on the baseline, against one full training of it.

python benchmarks/gauntlet.py [ROUNDS] [lock]     (1 round unless said; with `lock` the rerun makes a new environment)

Every check but those that are not applicable is made anew each round; the rerun takes the running environment unless
`lock` is said, for making one measures the network and the disk.
"""

import json
import os
import sys

from measure import clone, compare, middle, python, tell

SEEDS = 2


def challenged(place, env: str) -> tuple[float, float]:
    """The whole gauntlet, start to end, by a report of today: the trainings beside it have outdated the last one."""
    python(place, "report.py")
    return python(place, "gauntlet.py", "conf=baseline", f"env={env}", "again=true")


def figure(place, rounds: int, env: str) -> None:
    """Medians and their ratio, and what each check took."""
    ours, theirs = compare(
        lambda n: challenged(place, env),
        lambda n: python(place, "train.py", "conf=baseline", f"seed={100 + n}"),
        rounds,
    )
    found = json.loads((place / "report/gauntlet.json").read_text())["verdicts"]
    tell(
        "F10",
        what=f"gauntlet on the baseline, env={env} / one full training, wall",
        ratio=round(middle(ours) / middle(theirs), 2),
        ratios=[round(a[0] / b[0], 2) for a, b in zip(ours, theirs, strict=True)],
        seconds=round(middle(ours), 1),
        against=round(middle(theirs), 1),
        checks={one["check"]: one["seconds"] for one in found if one["seconds"] is not None},
        cores=len(os.sched_getaffinity(0)),
        goal="<= 12, or within budget=",
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    rounds = next((int(word) for word in words if word.isdigit()), 1)
    with clone() as place:
        for conf, seeds in (("floor", 1), ("logreg", 1), ("baseline", SEEDS)):
            for seed in range(seeds):
                python(place, "train.py", f"conf={conf}", f"seed={seed}")
                python(place, "eval.py", "run_id=latest")
        python(place, "report.py")
        figure(place, rounds, "lock" if "lock" in words else "current")
