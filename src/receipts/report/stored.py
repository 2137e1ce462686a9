"""Stored predictions and the task of the run that made them: what every number can be computed from once more."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from receipts.bounds import confine
from receipts.evaluation.received import read
from receipts.refusal import Refusal
from receipts.report import samples
from receipts.report.intervals import Values
from receipts.runs import repeat
from receipts.runs.record import Record


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """What each sample of a split adds to a metric (N,), by id in the order of ids; `units` numbers entities."""

    ids: tuple[str, ...]
    values: Values
    units: NDArray[np.int64] | None


@dataclass
class Store:
    """Reads prediction files, each metric of each once; a file that is not there or not readable is a reason."""

    runs: Path
    kept: dict[tuple[str, str, str], Sampled | str] = field(default_factory=dict)

    def sampled(self, record: Record, split: str, metric: str) -> Sampled | str:
        """Per-sample values, or why there are none."""
        key = (record.run_id, split, metric)
        if key not in self.kept:
            try:
                self.kept[key] = self._read(record, split, metric)
            except Refusal as problem:
                self.kept[key] = problem.what
        return self.kept[key]

    def train_fraction(self, record: Record) -> float:
        """The part of the train rows that a run learnt from; refused where its config cannot be read."""
        return repeat.frozen(record, self.runs).config.fit.train_fraction

    def _read(self, record: Record, split: str, metric: str) -> Sampled | str:
        score = record.score(split)
        if score is None:
            return f"{record.run_id} is not scored on {split}"
        predictions = read(confine(self.runs / record.run_id, score.file))
        values = samples.each(predictions, repeat.frozen(record, self.runs).config.task, metric)
        if values is None:
            return f"{metric} is no mean over samples"
        order = np.argsort(np.array(predictions.ids, dtype=object), kind="stable")
        units = samples.units_of(predictions)
        ids = tuple(predictions.ids[row] for row in order)
        return Sampled(ids, values[order], None if units is None else units[order])
