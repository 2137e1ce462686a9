"""F3: a training with its sentinels against the same one without, in turn: the baseline on the digits.

python benchmarks/sentinels.py [EPOCHS]      (an idle machine, please)
"""

import csv
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from measure import clone, tell

EPOCHS, ROUNDS = 20, 5


def trained(place: Path, seed: int, sentinels: str, epochs: int) -> tuple[float, float]:
    """Wall seconds of training as its history has them, and processor seconds of the whole run."""
    words = ["conf=baseline", f"seed={seed}", f"fit.epochs={epochs}", "fit.select.patience=null", "rerun=true"]
    environment = {**os.environ, "PYTHONPATH": str(place / "src")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "train.py", *words, f"sentinels={sentinels}"]
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    newest = max(place.glob("runs/*/history.csv"), key=lambda path: path.stat().st_mtime_ns)
    rows = list(csv.DictReader(newest.read_text().splitlines()))
    return float(rows[-1]["elapsed_s"]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(epochs: int) -> None:
    """Ratios of training time, in turn."""
    with clone() as place:
        trained(place, 0, "on", 1)
        pairs = [
            (trained(place, number, "on", epochs), trained(place, number, "off", epochs)) for number in range(ROUNDS)
        ]
    ratios = [off[0] / on[0] for on, off in pairs]
    tell(
        "F3",
        conf="baseline",
        epochs=epochs,
        ratio=round(statistics.median(ratios), 3),
        ratios=[round(ratio, 3) for ratio in ratios],
        wall_s={"on": [round(on[0], 2) for on, _ in pairs], "off": [round(off[0], 2) for _, off in pairs]},
        cpu_s={"on": [round(on[1], 2) for on, _ in pairs], "off": [round(off[1], 2) for _, off in pairs]},
        goal=">= 0.98",
    )


if __name__ == "__main__":
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else EPOCHS)
