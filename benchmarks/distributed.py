"""F12: two processes against one on the same global batch. First that they learn the same, then how fast.

python benchmarks/distributed.py [digits|fashion]      (fashion needs Fashion-MNIST, docs/datasets.md; two GPUs: each
process has one, elsewhere they share the cores, with as many threads in all as the one process has)
"""

import csv
import itertools
import json
import os
import statistics
import subprocess
import sys

from measure import ROOT, tell

from receipts.config.devices import gpus

ROUNDS, EPOCHS = 5, 3
EXPERIMENTS = {
    "digits": ("conf=baseline", f"fit.epochs={EPOCHS}", "fit.batch_size=64", "fit.select.patience=null"),
    "fashion": ("conf=fashion_cnn", f"fit.epochs={EPOCHS}", "fit.batch_size=256", "limit.rows=12800"),
}
THREADS = 2  # of the one process; each of two has half of them


def trained(words: tuple[str, ...], number: int) -> tuple[float, float, dict]:
    """Seconds of an epoch, val nll at the end, and the world as the record states it."""
    stated = (f"seed={number}", "rerun=true", "allow_dirty=true", "sentinels=false")
    subprocess.run([sys.executable, "train.py", *words, *stated], cwd=ROOT, check=True, capture_output=True)
    folder = max((ROOT / "runs").glob(f"*-s{number}-*/history.csv"), key=os.path.getmtime).parent
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    epochs = [float(after["elapsed_s"]) - float(before["elapsed_s"]) for before, after in itertools.pairwise(rows)]
    world = json.loads((folder / "record.json").read_text())["world"]
    return statistics.median(epochs), float(rows[-1]["val/nll"]), world


def figure(name: str) -> None:
    """Both in turn."""
    pair = ("trainer=ddp", "trainer.processes=2") if gpus() > 1 else ("trainer=ddp_cpu",)
    one = (*EXPERIMENTS[name], f"trainer={'gpu' if gpus() > 1 else 'cpu'}", f"fit.threads={THREADS}")
    two = (*EXPERIMENTS[name], *pair, f"fit.threads={THREADS // 2}")
    found = [(trained(one, number), trained(two, number)) for number in range(ROUNDS)]
    ratios = [alone[0] / shared[0] for alone, shared in found]
    tell(
        "F12",
        experiment=name,
        device=found[0][1][2]["device"],
        global_batch=[found[0][0][2]["global_batch"], found[0][1][2]["global_batch"]],
        nll={"one": [round(alone[1], 4) for alone, _ in found], "two": [round(shared[1], 4) for _, shared in found]},
        seconds_per_epoch=[round(statistics.median(entry[side][0] for entry in found), 4) for side in (0, 1)],
        ratio=round(statistics.median(ratios), 3),
        ratios=[round(ratio, 3) for ratio in ratios],
        goal="correct first; the ratio is reported",
    )


if __name__ == "__main__":
    figure(sys.argv[1] if len(sys.argv) > 1 else "digits")
