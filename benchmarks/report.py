"""F7: report.py over many recorded runs, against mlflow.search_runs and pandas over the same runs.

python benchmarks/report.py            (1,000, 3,000 and 10,000 runs; or: python benchmarks/report.py 100 300 1000)
python benchmarks/report.py in=FOLDER  (keeps what was recorded there, and goes on from it the next time;
                                        with `record-only` it stops before it measures)

The runs are made by the recorder itself: composed, drafted, claimed, scored from stored predictions and completed, as
in train.py and eval.py; only the fitting is left out. They are recorded in folders of a hundred, as by many machines,
and then moved together. MLflow gets them by `receipts sync`. Recording ten thousand takes the better part of an hour,
so all sizes are recorded first and measured afterwards: `in=` lets the two happen at different times of a day.
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import clone, tell

SIZES = (1_000, 3_000, 10_000)
SEEDS, SHARD, ROUNDS = 5, 100, 5
N = 360  # samples of the test split
SEARCH = """
import mlflow, os
from pathlib import Path
mlflow.set_tracking_uri("sqlite:///mlflow.db")
found = mlflow.search_runs(search_all_experiments=True, max_results=100_000)
done = found[found["tags.receipts.status"] == "completed"]
table = done.groupby("tags.receipts.conf")["metrics.test/accuracy"].agg(["mean", "std", "count"])
print(len(done), len(table))
"""


def record(place: Path, first: int, count: int) -> None:
    """Record runs number `first` to `first + count` in a project whose conf/ is there; in a process of its own."""
    import numpy as np

    os.chdir(place)
    sys.argv = ["train.py"]
    from receipts.config.compose import Experiment, compose, to_config
    from receipts.data import manifest
    from receipts.evaluation import scoring
    from receipts.evaluation.eyes import write_csv
    from receipts.evaluation.metrics import evaluate
    from receipts.evaluation.predictions import Predictions, write
    from receipts.provenance.trace import trace
    from receipts.runs import claims, draft
    from receipts.runs.record import Checkpoint, Cost

    scoring.believed = lambda stored, task, split: (evaluate(stored, task, second=False), [])  # torchmetrics: 5 ms each
    base = compose("conf=baseline")
    path, division = manifest.load(base.data)
    targets = np.random.default_rng(0).integers(0, 10, N)
    for number in range(first, first + count):
        method, seed = divmod(number, SEEDS)
        values = json.loads(json.dumps(base.values))
        values["seed"], values["model"]["lr"] = seed, 1e-3 + method * 1e-7
        words = [f"model.lr={values['model']['lr']}"] + ([f"seed={seed}"] if seed else [])
        experiment = Experiment(to_config(values), values, "baseline", ["full"], base.dataset, words)
        sources = trace(values, division.files, division.origin, path)
        run = claims.claim(draft.of(experiment, sources, []), experiment)
        rng = np.random.default_rng(number)
        with run:
            for split in ("val", "test"):
                odds = rng.random((N, 10)).astype(np.float32)
                odds[np.arange(N), targets] += (rng.random(N) < 0.9) * 9
                found = Predictions(
                    ids=[f"digit-{row:04d}" for row in range(N)],
                    targets=targets,
                    probabilities=(odds / odds.sum(axis=1, keepdims=True)).astype(np.float32),
                )
                file = run.folder / "predictions" / f"{split}.parquet"
                file.parent.mkdir(exist_ok=True)
                checksum = write(found, file)
                write_csv(found, file.with_suffix(".csv"))
                score, checks = scoring.scored(
                    found, experiment.config, split, f"predictions/{split}.parquet", checksum
                )
                run.open_split(split, "eval.py", sources.commit)
                run.record.scores.append(score)
                run.record.checks += checks
            run.record.checkpoint = Checkpoint("checkpoints/best.ckpt", 9, "max val accuracy", f"{number:064x}")
            run.record.cost = Cost(9.5, 9.0, 700.0, 93962, 0.1)
            run.complete()


def recorded(place: Path, total: int) -> None:
    """Bring a project to so many runs, a hundred at a time in a folder of its own, two processes at once."""
    have = sum(1 for _ in place.glob("runs/2*/record.json"))
    runs = place / "runs"
    runs.mkdir(exist_ok=True)
    pending = list(range(have, total, SHARD))
    while pending:
        shards = []
        for first in pending[:2]:
            shard = place.parent / f"shard-{first}"
            shutil.copytree(place, shard, symlinks=True, ignore=partial(grown, place))
            words = [sys.executable, __file__, "record", str(shard), str(first), str(min(SHARD, total - first))]
            shards.append((shard, subprocess.Popen(words, env=environment(shard))))
        pending = pending[2:]
        for shard, process in shards:
            assert process.wait() == 0
            for folder in sorted(shard.glob("runs/2*")):  # in the order of their numbers, should this be interrupted
                folder.rename(runs / folder.name)
            shutil.rmtree(shard)


def grown(place: Path, folder: str, names: list[str]) -> list[str]:
    """What a project has grown since it was cloned, which no copy needs."""
    return [name for name in names if Path(folder) == place and name in ("runs", "report", "mlflow.db")]


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(place / "src"), "MLFLOW_EXPERIMENT_NAME": "bench"}


def timed(place: Path, *words: str) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and MiB at the peak of `python WORDS`."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], cwd=place, env=environment(place), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, words
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def grow(folder: Path, sizes: tuple[int, ...]) -> list[Path]:
    """A project for each size under `folder`, each grown out of the one before; what is there is not made again."""
    places = [folder / str(size) for size in sizes]
    for before, place, size in zip([None, *places], places, sizes, strict=False):
        if (place / "recorded").exists():
            continue
        if place.exists():
            pass  # interrupted: what it holds is whole, and the rest follows
        elif before is None:
            with clone() as source:
                shutil.copytree(source, place, symlinks=True)
            identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
            subprocess.run(["git", "rm", "-q", "conf/scripts/report.yaml"], cwd=place, check=True)
            subprocess.run(["git", *identity, "commit", "-qm", "The default selection"], cwd=place, check=True)
        else:
            shutil.copytree(before, place, symlinks=True, ignore=shutil.ignore_patterns("recorded"))
        recorded(place, size)
        sync = [sys.executable, "-m", "receipts.cli", "sync"]
        subprocess.run(sync, cwd=place, env=environment(place), check=True, stdout=subprocess.DEVNULL)
        (place / "recorded").touch()
    return places


def compare(places: list[Path], sizes: tuple[int, ...]) -> None:
    """Time the report and the search over each, in turn."""
    middles: list[tuple[int, float]] = []
    for place, size in zip(places, sizes, strict=True):
        pairs = [(timed(place, "report.py"), timed(place, "-c", SEARCH)) for _ in range(ROUNDS + 1)][1:]
        ours, theirs = ([pair[at] for pair in pairs] for at in (0, 1))
        wall, cpu, peak = (round(statistics.median(each[at] for each in ours), 3) for at in range(3))
        middles.append((size, cpu))
        tell(
            "F7",
            runs=size,
            wall_s=wall,
            cpu_s=cpu,
            peak_mib=peak,
            search_runs_s=round(statistics.median(each[0] for each in theirs), 3),
            search_runs_cpu_s=round(statistics.median(each[1] for each in theirs), 3),
            times_faster=round(statistics.median(b[0] / a[0] for a, b in pairs), 2),
            goal=">= 10 times faster, < 2048 MiB",
        )
    (small, fast), (large, slow) = middles[0], middles[-1]
    if large > small:
        tell("F7", exponent=round(math.log(slow / fast) / math.log(large / small), 3), goal="<= 1.1: linear")


def main(words: list[str]) -> None:
    sizes = tuple(int(word) for word in words if word.isdigit()) or SIZES
    kept = next((Path(word.removeprefix("in=")) for word in words if word.startswith("in=")), None)
    with TemporaryDirectory() as folder:
        places = grow(kept or Path(folder), sizes)
        if "record-only" not in words:
            compare(places, sizes)


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"]:
        record(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(sys.argv[1:])
