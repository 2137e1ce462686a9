"""Train one experiment and leave a record of it.

python train.py conf=baseline seed=3 model.dropout=0.3 preset=smoke
"""

from receipts.config.compose import Experiment
from receipts.config.entry import start
from receipts.data import manifest
from receipts.guards.gate import checked, validate
from receipts.provenance.trace import refuse_unfit, trace
from receipts.runs import ancestry, claims, draft, objective, resuming, views
from receipts.runs.sending import Tracker
from receipts.training.launched import led


def train(experiment: Experiment) -> int:
    experiment, config = ancestry.rooted(resuming.named(experiment))
    warnings = validate(config)
    path, division = manifest.load(experiment.data)
    warnings += manifest.suspicious(division, experiment)
    sources = trace(experiment.values, division.files, division.origin, path)
    refuse_unfit(sources, experiment)
    run = claims.claim(draft.of(experiment, sources, warnings), experiment)
    if not run.is_finished:
        with Tracker(run.folder) as mlflow, checked(run, experiment):
            from receipts.data.opening import open_splits  # NumPy, torch and Lightning come in only here
            from receipts.guards.after.scoring import score
            from receipts.training.fit import fit
            from receipts.training.method import build_method

            train, val = open_splits(experiment, division, ("train", "val"), run.record.checks)
            method = build_method(config)
            fit(run, method, experiment, train, val, mlflow.start)
            score(run, method, val, config)
            run.complete()
    return views.show(run.record, config.task.primary)


if __name__ == "__main__":
    start(led(train), objective=objective.of)  # under torchrun and srun the first process leads
