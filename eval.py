"""Score a recorded run on a split it has not seen; opening the test split is counted.

python eval.py run_id=latest      (or latest:CONF, a run id, the beginning of one; split=val opens nothing)
"""

from receipts.config.entry import start
from receipts.config.questions import Evaluation
from receipts.data import manifest
from receipts.provenance.trace import trace
from receipts.runs import choice, repeat, store, views
from receipts.runs.sending import Tracker


def evaluate(asked: Evaluation, by: str = "eval.py") -> int:
    record = choice.select(asked.run_id)
    experiment = repeat.experiment_of(record)  # from the run's own config, never from the command line
    config = experiment.config
    path, division = manifest.load(experiment.data, asked.split)
    sources = trace(experiment.values, division.files, division.origin, path)
    repeat.refuse_changed(record, sources)
    if not store.is_scored(record, asked.split) or not views.are_current(record):
        with Tracker(store.folder(record)) as mlflow, store.editing(record.run_id) as run:
            if not store.is_scored(record := run.record, asked.split):  # another eval.py may have been faster
                mlflow.start()
                from receipts.data.opening import open_splits
                from receipts.guards.after.scoring import score
                from receipts.training.method import build_method
                from receipts.training.parts import shared

                method = build_method(config)
                method.load(run.folder, run.checkpoint)
                run.open_split(asked.split, by, sources.commit)
                (subset,) = open_splits(experiment, division, (asked.split,), run.record.checks)
                score(run, shared(method, run, asked.split, asked.processes), subset, config)
            run.complete()
    return views.show(record, config.task.primary)


if __name__ == "__main__":
    start(evaluate, Evaluation)
