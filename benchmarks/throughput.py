"""F1 and F2: epochs of training with everything on, against a plain loop on the same model, data and threads.

python benchmarks/throughput.py      (needs Fashion-MNIST, docs/data.md, and an idle machine: threads that wait for a
core wait spinning, and make a step thirty times as long)
"""

import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from measure import ROOT, tell

EPOCHS, ROUNDS = 3, 5
ROWS = {"fashion_cnn": 12_800, "fashion_mlp": 50_000}  # of each split; the small network needs a minute for all


def ours(conf: str, number: int, *more: str) -> list[float]:
    """Seconds of each epoch but the first, validation, checkpoints and logs included; `more` are further words."""
    words = ["train.py", f"conf={conf}", f"fit.epochs={EPOCHS}", f"seed={number}", "rerun=true", "allow_dirty=true"]
    words += [f"limit.rows={ROWS[conf]}", *more]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    newest = max(Path(ROOT, "runs").glob(f"*-{conf}-s{number}-*/history.csv"), key=lambda path: path.parent.name)
    ends = [float(row["elapsed_s"]) for row in csv.DictReader(newest.read_text().splitlines())]
    return [after - before for before, after in itertools.pairwise(ends)]


def plain(conf: str, kind: str) -> list[float]:
    """The same of the plain loop."""
    words = [str(ROOT / "benchmarks" / "plain_loop.py"), conf, kind, str(EPOCHS), str(ROWS[conf])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])["seconds"][1:]


def figure(name: str, conf: str, kinds: dict[str, str]) -> None:
    """Ratios of throughput, in turn."""
    times: dict[str, list[float]] = {"ours": [], **{kind: [] for kind in kinds}}
    for number in range(ROUNDS):
        times["ours"].append(statistics.median(ours(conf, number)))
        for kind in kinds:
            times[kind].append(statistics.median(plain(conf, kind)))
    for kind, goal in kinds.items():
        ratios = [theirs / own for own, theirs in zip(times["ours"], times[kind], strict=True)]
        tell(
            name,
            conf=conf,
            against=kind,
            ratio=round(statistics.median(ratios), 3),
            ratios=[round(ratio, 3) for ratio in ratios],
            seconds_per_epoch={key: round(statistics.median(values), 3) for key, values in times.items()},
            goal=goal,
        )


if __name__ == "__main__":
    figure("F1", "fashion_cnn", {"dataloader": ">= 1.0"})
    figure("F2", "fashion_mlp", {"dataloader": ">= 1.2", "sliced": ">= 0.8"})
