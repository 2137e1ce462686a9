"""Predictions for every row by a model that never saw it: the held-out parts of all folds, as one table an arm.

Stored beside the plan by the harness's own writer, each id exactly once.
"""

import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.ablation.cells import run_of
from receipts.ablation.planning import Planned
from receipts.bounds import confine
from receipts.runs import store
from receipts.runs.log import say
from receipts.runs.plans import Plan

if TYPE_CHECKING:
    from receipts.evaluation.predictions import Predictions


def collect(found: Planned) -> None:
    """Write the table of every arm and seed whose folds are all scored; nothing without folds."""
    plan = found.plan
    if plan.folds is None:
        return
    from receipts.evaluation import received, storage

    for arm in plan.arms:
        for seed in plan.seeds:
            parts = held_out(plan, arm.name, seed)
            if len(parts) < plan.folds:
                continue
            whole = joined([received.read(part) for part in parts])
            path = found.folder / "out-of-fold" / f"{re.sub(r'[^A-Za-z0-9_.=+-]+', '_', arm.name)}-s{seed}.parquet"
            path.parent.mkdir(exist_ok=True)
            checksum = storage.write(whole, path)
            say(f"  out of fold  {path}  {len(whole)} rows, each predicted once  sha256 {checksum[:12]}")


def joined(parts: "list[Predictions]") -> "Predictions":
    """The rows of all folds, one after the other; an id that two folds hold out is refused by the class."""
    import numpy as np

    from receipts.evaluation.predictions import Predictions

    def rows(name: str) -> Any:
        columns = [getattr(part, name) for part in parts]
        if any(column is None for column in columns):
            return None
        return list(chain(*columns)) if isinstance(columns[0], list) else np.concatenate(columns)

    names = ("ids", "targets", "probabilities", "value", "entities", "groups")
    extra = {name: np.concatenate([part.metadata[name] for part in parts]) for name in parts[0].metadata}
    return Predictions(**{name: rows(name) for name in names}, metadata=extra)


def held_out(plan: Plan, arm: str, seed: int) -> list[Path]:
    """The stored predictions of each fold's held-out part, in the order of the folds."""
    found = []
    for cell in sorted(plan.cells, key=lambda cell: cell.fold or 0):
        if (cell.arm, cell.seed) != (arm, seed):
            continue
        record = run_of(cell)
        score = record.score("test") if record is not None else None
        if record is not None and score is not None:
            found.append(confine(store.folder(record), score.file))
    return found
