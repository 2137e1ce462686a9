"""Runs made by the recorder itself, without fitting: composed, drafted, claimed, scored from predictions, completed."""

import json
import os
import sys
from pathlib import Path

SEEDS = 5
N = 360  # samples of a split


def record(place: Path, first: int, count: int, conf: str) -> None:
    """Record runs number `first` to `first + count` of a project's experiment; in a process of its own."""
    import numpy as np

    os.chdir(place)
    sys.path.insert(0, str(place / "src"))
    sys.argv = ["train.py"]
    from receipts.config.compose import Experiment, compose, to_config
    from receipts.data import manifest
    from receipts.evaluation import scoring
    from receipts.evaluation.eyes import write_csv
    from receipts.evaluation.metrics import evaluate
    from receipts.evaluation.predictions import Predictions
    from receipts.evaluation.storage import write
    from receipts.provenance.trace import trace
    from receipts.runs import claims, draft
    from receipts.runs.record import Checkpoint, Cost

    scoring.believed = lambda stored, task, split: (evaluate(stored, task, second=False), [])  # torchmetrics: 5 ms each
    base = compose(f"conf={conf}")
    path, division = manifest.load(base.data)
    targets = np.random.default_rng(0).integers(0, 10, N)
    for number in range(first, first + count):
        method, seed = divmod(number, SEEDS)
        values = json.loads(json.dumps(base.values))
        values["seed"], values["model"]["lr"] = seed, 1e-3 + method * 1e-7
        words = [f"model.lr={values['model']['lr']}"] + ([f"seed={seed}"] if seed else [])
        experiment = Experiment(to_config(values), values, conf, ["full"], base.dataset, words)
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
