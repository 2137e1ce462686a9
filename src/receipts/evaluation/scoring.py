"""From a fitted method to a stored score: predict, store, read back, evaluate, audit."""

import time
from typing import Any

from receipts.config.schema import Task
from receipts.data.sealed import Subset
from receipts.evaluation import audit
from receipts.evaluation.eyes import write_csv
from receipts.evaluation.metrics import confusion, evaluate
from receipts.evaluation.predictions import Predictions, check_complete, from_outputs, read, write
from receipts.provenance import code
from receipts.refusal import CheckFailed
from receipts.runs.process import now
from receipts.runs.record import Check, Metric, Score
from receipts.runs.store import Run


def score(run: Run, method: Any, subset: Subset, task: Task) -> Score:
    """Predict a split and score the stored file, so that the number can be recomputed from it to the last digit."""
    predictions, seconds = predict(method, subset, task)
    path = run.folder / "predictions" / f"{subset.name}.parquet"
    path.parent.mkdir(exist_ok=True)
    checksum = write(predictions, path)
    stored = read(path)
    check_complete(stored, subset.ids)
    write_csv(stored, path.with_suffix(".csv"))
    metrics, disagreement = believed(stored, task)
    found = Score(
        split=subset.name,
        n=len(subset),
        file=path.relative_to(run.folder).as_posix(),
        sha256=checksum,
        harness=code.harness(),
        at=now(),
        metrics=metrics,
        confusion=confusion(stored, task).tolist() if task.kind == "classification" else None,
    )
    run.record.scores.append(found)
    run.record.checks += disagreement or audit.after(run.folder, found, run.record)
    if run.record.cost is not None:
        run.record.cost.ms_per_sample = round(1000 * seconds / len(subset), 6)
    run.save()
    return found


def predict(method: Any, subset: Subset, task: Task) -> tuple[Predictions, float]:
    """Predictions for every row of a split, and how many seconds they took."""
    began = time.monotonic()
    outputs = method.predict(subset)
    seconds = time.monotonic() - began
    return from_outputs(outputs, subset.ids, task, subset.targets, subset.entities, subset.groups), seconds


def believed(stored: Predictions, task: Task) -> tuple[dict[str, Metric], list[Check]]:
    """Every metric by both implementations; where they disagree, the first one's and a failed check."""
    try:
        return evaluate(stored, task), []
    except CheckFailed as problem:
        return evaluate(stored, task, second=False), [Check(problem.check, "fail", f"{problem.what}: {problem.why}")]
