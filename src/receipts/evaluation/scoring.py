"""From a fitted method to a stored score: predict, store, read back, evaluate, audit."""

import time
from typing import Any

from receipts.checks.catalogue import failed
from receipts.config.schema import Config, Task
from receipts.data.sealed import Subset
from receipts.evaluation import audit, drilldown, own, pictures
from receipts.evaluation.eyes import write_csv
from receipts.evaluation.interval import intervals
from receipts.evaluation.metrics import confusion, evaluate, scored_as
from receipts.evaluation.predictions import Predictions, check_complete, from_outputs
from receipts.evaluation.storage import read, write
from receipts.provenance import code
from receipts.refusal import CheckFailed
from receipts.runs.process import now
from receipts.runs.record import Check, Metric, Score
from receipts.runs.store import Run


def score(run: Run, method: Any, subset: Subset, config: Config) -> Score:
    """Predict a split and score the stored file, so that the number can be recomputed from it to the last digit."""
    predictions, seconds = predict(method, subset, config.task)
    path = run.folder / "predictions" / f"{subset.name}.parquet"
    path.parent.mkdir(exist_ok=True)
    checksum = write(predictions, path)
    stored = read(path)
    check_complete(stored, subset.ids)
    write_csv(stored, path.with_suffix(".csv"))
    pictures.write(stored, subset, run.folder)
    file = path.relative_to(run.folder).as_posix()
    found, checks = scored(stored, config, subset.name, file, checksum)
    drilldown.write(run.folder, subset.name, stored, config.task)
    run.record.scores.append(found)
    run.record.checks += [*checks, *audit.lineage(run.folder, found, run.record, config.facts.random_predictions)]
    if run.record.cost is not None:
        run.record.cost.ms_per_sample = round(1000 * seconds / len(subset), 6)
    run.save()
    return found


def predict(method: Any, subset: Subset, task: Task) -> tuple[Predictions, float]:
    """Predictions for every row of a split, and how many seconds they took."""
    began = time.monotonic()
    outputs = method.predict(subset)
    seconds = time.monotonic() - began
    columns = (subset.targets, subset.entities, subset.groups, subset.slices)
    return from_outputs(outputs, subset.ids, task, *columns), seconds


def scored(stored: Predictions, config: Config, split: str, file: str, checksum: str) -> tuple[Score, list[Check]]:
    """What today's harness and the experiment's own metrics make of a stored file, and whether to believe it."""
    metrics, disagreement = believed(stored, config.task, split)
    theirs, checks = own.score(stored, config, split, metrics)
    found = Score(
        split=split,
        n=len(stored),
        file=file,
        sha256=checksum,
        harness=code.harness(),
        at=now(),
        metrics=metrics | theirs,
        confusion=None if scored_as(config.task) == "regression" else confusion(stored, config.task).tolist(),
        own=own.hashes(config),
        intervals=intervals(stored, config.task),
    )
    return found, [*(disagreement or [audit.rescored(found)]), *checks]


def believed(stored: Predictions, task: Task, split: str) -> tuple[dict[str, Metric], list[Check]]:
    """Every metric by both implementations; where they disagree, the first one's and a failed check."""
    try:
        return evaluate(stored, task), []
    except CheckFailed as problem:
        told = f"{problem.check}: {problem.what}: {problem.why}"
        return evaluate(stored, task, second=False), [failed(f"{split}-rescored", told)]
