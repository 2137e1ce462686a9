"""F9: evaluation, storing and drill-down of many predictions, against the same metrics by hand.

By hand: the metrics by scikit-learn, means by group with pandas, one Parquet file. Ours: predictions stored, read back,
counted, every metric, its interval, the worst ones as CSV, groups and diagnostics. The second implementation is counted
apart. Each measurement is a process of its own, so that its peak memory is its own.

python benchmarks/evaluation.py [rows ...]
"""

import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import middle, tell

SIZES = (10_000, 100_000, 1_000_000)
CLASSES, GROUPS, ENTITIES = 10, 50, 200  # entities: samples each


def made(n: int):
    """Invented predictions of a fair classifier: ids, probabilities, targets, groups, entities."""
    import numpy as np

    rng = np.random.default_rng(0)
    targets = rng.integers(0, CLASSES, n)
    logits = rng.normal(size=(n, CLASSES)).astype(np.float32)
    logits[np.arange(n), targets] += 2
    powers = np.exp(logits)
    groups = [f"group-{number}" for number in rng.integers(0, GROUPS, n)]
    entities = [f"entity-{row // ENTITIES}" for row in range(n)]
    probabilities = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    return [f"sample-{row}" for row in range(n)], probabilities, targets, groups, entities


def ours(n: int, folder: Path) -> dict[str, float]:
    """Seconds of everything that scoring a split does, and of the second implementation."""
    from receipts.config.schema import Task
    from receipts.evaluation import drilldown, eyes
    from receipts.evaluation.formulas import counts
    from receipts.evaluation.interval import intervals
    from receipts.evaluation.metrics import arrays, confusion, evaluate
    from receipts.evaluation.predictions import check_complete, from_outputs
    from receipts.evaluation.second import cross_check
    from receipts.evaluation.storage import read, write

    task = Task(kind="classification", classes=CLASSES, primary="accuracy")
    ids, probabilities, targets, groups, entities = made(n)
    timed = Timed()
    predictions = from_outputs(probabilities, ids, task, targets, entities, groups)
    timed("taken in")
    path = folder / "test.parquet"
    write(predictions, path)
    timed("stored")
    stored = read(path)
    check_complete(stored, ids)
    timed("read and counted")
    eyes.write_csv(stored, folder / "test.csv")
    timed("worst as CSV")
    metrics = evaluate(stored, task, second=False)
    confusion(stored, task)
    timed("metrics")
    intervals(stored, task)
    timed("intervals")
    drilldown.write(folder, "test", stored, task)
    timed("groups and diagnostics")
    found = timed.found | {"all": sum(timed.found.values())}
    cross_check("classification", metrics, *arrays(stored, task), counts(*arrays(stored, task), CLASSES))
    timed("second implementation")
    return found | {"second": timed.found["second implementation"]}


def by_hand(n: int, folder: Path) -> dict[str, float]:
    """Seconds of the same metrics with scikit-learn, over all and by group, and of one Parquet file."""
    import numpy as np
    import pandas as pd
    from sklearn import metrics

    ids, probabilities, targets, groups, entities = made(n)
    timed = Timed()
    given = probabilities.argmax(1)
    metrics.accuracy_score(targets, given)
    metrics.balanced_accuracy_score(targets, given)
    metrics.f1_score(targets, given, average="macro")
    metrics.f1_score(targets, given, average="micro")
    metrics.log_loss(targets, probabilities)
    metrics.brier_score_loss(targets, probabilities, scale_by_half=False)
    metrics.roc_auc_score(targets, probabilities, multi_class="ovr")
    metrics.confusion_matrix(targets, given)
    sure, right = probabilities.max(1), given == targets
    bins = np.minimum((sure * 15).astype(int), 14)
    total = np.bincount(bins, minlength=15)
    np.abs(np.bincount(bins, sure, 15) - np.bincount(bins, right, 15))[total > 0].sum() / n
    timed("metrics")
    frame = pd.DataFrame({"sample_id": ids, "entity_id": entities, "group": groups, "target": targets, "given": given})
    frame = frame.assign(
        right=right, nll=-np.log(probabilities[np.arange(n), targets]), probabilities=list(probabilities)
    )
    for name in ("group", "entity_id"):
        frame.groupby(name)[["right", "nll"]].mean().sort_values("right").to_csv(folder / f"{name}.csv")
    timed("by group and entity")
    frame.to_parquet(folder / "predictions.parquet")
    timed("stored")
    return timed.found | {"all": sum(timed.found.values())}


class Timed:
    """Seconds between calls, by name."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self.last = time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.found[name], self.last = now - self.last, now


def alone(what: str, n: int) -> dict[str, float]:
    """One measurement in a fresh process: its seconds, and MiB at the peak beyond what the inputs need."""
    done = subprocess.run([sys.executable, __file__, what, str(n)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log seconds over log size between the two largest sizes: 1 is linear."""
    return math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])


def main(sizes: list[int], rounds: int = 5) -> None:
    walls = []
    for n in sizes:
        pairs = [(alone("ours", n), alone("by-hand", n)) for _ in range(rounds)]
        mine, hand = (middle([(pair[side]["all"], 0.0) for pair in pairs]) for side in (0, 1))
        walls.append(mine)
        tell(
            "F9",
            rows=n,
            ratio=round(mine / hand, 2),
            ratios=[round(a["all"] / b["all"], 2) for a, b in pairs],
            seconds=round(mine, 2),
            by_hand=round(hand, 2),
            second=round(middle([(a["second"], 0.0) for a, _ in pairs]), 2),
            peak_mib=round(max(a["peak_mib"] for a, _ in pairs)),
            by_hand_peak_mib=round(max(b["peak_mib"] for _, b in pairs)),
            parts={name: round(value, 3) for name, value in pairs[-1][0].items()},
            by_hand_parts={name: round(value, 3) for name, value in pairs[-1][1].items()},
            goal="<= 2",
        )
    if len(sizes) > 1:
        tell("F9 growth", sizes=sizes, exponent=round(exponent(sizes, walls), 2), goal="about 1")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["by-hand"]):
        with TemporaryDirectory() as place:
            result = (ours if sys.argv[1] == "ours" else by_hand)(int(sys.argv[2]), Path(place))
        print(json.dumps(result | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    else:
        main([int(word) for word in sys.argv[1:]] or list(SIZES))
