"""F3: epochs of training with sentinels against the same without, in turn.

python benchmarks/sentinels.py [CONF] [ROUNDS]      (an idle machine, please)

Unless said F1's fashion_cnn, capped as F1 caps it, and 15 epochs of each. An epoch of `baseline` takes a tenth of a
second: what is looked at once an epoch shows there most.
"""

import shutil
import statistics
import sys

from measure import ROOT, clone, tell
from throughput import ROWS
from turns import epochs, ratios


def compare(conf: str, rounds: int) -> None:
    """Ratios of one epoch each."""
    words = ["benchmarks/turns.py", "train.py", f"conf={conf}", f"fit.epochs={rounds + 1}", "fit.select.patience=null"]
    words += [f"limit.rows={ROWS[conf]}"] if conf in ROWS else []
    with clone() as one, clone() as other:  # the two are one identity, which a project trains once at a time
        if conf in ROWS:
            for place in (one, other):
                shutil.copytree(ROOT / "derived", place / "derived", dirs_exist_ok=True)
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
        next((word for word in given if not word.isdigit()), "fashion_cnn"),
        next((int(word) for word in given if word.isdigit()), 15),
    )
