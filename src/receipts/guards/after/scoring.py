"""From a fitted method to a score that was audited: what train.py and eval.py call."""

from typing import Any

from receipts.config.schema import Config
from receipts.data.sealed import Subset
from receipts.evaluation import scoring
from receipts.evaluation.storage import read
from receipts.guards import gate
from receipts.guards.after import audit
from receipts.runs.record import Score
from receipts.runs.store import Run


def score(run: Run, method: Any, subset: Subset, config: Config) -> Score:
    """Predict a split, score the stored file, and write down whether the number can be believed."""
    found = scoring.score(run, method, subset, config)
    gate.record(run.record, config, audit.examine(run.record, found, read(run.folder / found.file), config))
    run.save()
    return found
