"""F3: epochs of training with sentinels against the same without, in turn.

python benchmarks/sentinels.py [CONF] [ROUNDS]      (baseline, 60 epochs of each, unless said; an idle machine, please)
"""

import statistics
import sys

from measure import clone, tell
from turns import epochs, ratios


def compare(conf: str, rounds: int) -> None:
    """Ratios of one epoch each."""
    words = ["benchmarks/turns.py", "train.py", f"conf={conf}", f"fit.epochs={rounds + 1}", "fit.select.patience=null"]
    with clone() as one, clone() as other:  # the two are one identity, which a project trains once at a time
        times = epochs({"on": (one, [*words, "sentinels=on"]), "off": (other, [*words, "sentinels=off"])}, rounds)
    found = ratios(times["on"], times["off"])
    tell(
        "F3",
        conf=conf,
        rounds=rounds,
        ratio=statistics.median(found),
        ratios=found,
        cpu_ratio=statistics.median(ratios(times["on"], times["off"], 1)),
        seconds_per_epoch={key: round(statistics.median(a for a, _ in value), 4) for key, value in times.items()},
        goal=">= 0.98",
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    compare(
        next((word for word in given if not word.isdigit()), "baseline"),
        next((int(word) for word in given if word.isdigit()), 60),
    )
