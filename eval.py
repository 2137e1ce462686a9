"""Score a recorded run on a split it has not seen; opening the test split is counted.

python eval.py run_id=latest      (or latest:CONF, a run id, the beginning of one; split=val opens nothing)
"""

from dataclasses import dataclass

from omegaconf import MISSING

from receipts.config.entry import start
from receipts.data import manifest
from receipts.provenance.trace import trace
from receipts.runs import repeat, results, store, views
from receipts.runs.tracking import Tracker


@dataclass
class Options:
    run_id: str = MISSING
    split: str = "test"


def evaluate(asked: Options) -> int:
    record = store.select(asked.run_id)
    experiment = repeat.experiment_of(record)                   # from the run's own config, never from the command line
    path, division = manifest.load(experiment.data, asked.split)
    sources = trace(experiment.values, division.files, division.origin, path)
    repeat.refuse_changed(record, sources)

    if not store.is_scored(record, asked.split):
        with Tracker(store.RUNS / record.run_id), store.editing(record.run_id) as finished:
            from receipts.data.opening import open_splits
            from receipts.evaluation.scoring import score
            from receipts.training.method import build_method

            finished.open_split(asked.split, "eval.py", sources.commit)
            (subset,) = open_splits(experiment, division, (asked.split,), finished.record.checks)
            method = build_method(experiment.config)
            method.load(finished.folder, record.checkpoint)
            score(finished, method, subset, experiment.config.task)
            record = finished.complete()
    if asked.run_id.startswith("latest:"):
        results.publish(asked.run_id.removeprefix("latest:"), record, experiment.config.task.primary)
    return views.show(record, experiment.config.task.primary)


if __name__ == "__main__":
    start(evaluate, Options)
