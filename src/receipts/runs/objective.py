"""What a hyper-parameter search gets back from a run: the primary metric on val, never on test."""

import math

from receipts.config.compose import Experiment
from receipts.provenance.identity import config_hash
from receipts.runs import ancestry, store
from receipts.runs import record as records


def of(experiment: Experiment) -> float:
    """The primary metric on val of the newest completed run with these values; NaN where there is none."""
    wanted = config_hash(ancestry.rooted(experiment)[0].values)
    for folder in store.folders():
        record = records.read(folder)
        if record.status == "completed" and record.identity.config == wanted:
            score = record.score("val")
            found = score.metrics[experiment.config.task.primary].value if score else None
            return math.nan if found is None else found
    return math.nan
