"""A recorded run in a notebook or a script: its record, its config, its predictions, its model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receipts.bounds import confine
from receipts.config import project
from receipts.config.project import RUNS
from receipts.config.schema import Config
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.received import read
from receipts.refusal import Refusal
from receipts.runs import choice, store
from receipts.runs.record import Record
from receipts.runs.repeat import experiment_of


@dataclass(frozen=True)
class Loaded:
    """One completed run."""

    record: Record
    config: Config
    folder: Path

    def predictions(self, split: str) -> Predictions:
        """The stored predictions of a split that was scored."""
        score = self.record.score(split)
        if score is None:
            raise Refusal(
                f"{self.record.run_id} has no predictions of {split}",
                f"it was scored on {', '.join(s.split for s in self.record.scores) or 'nothing'}",
                f"python eval.py run_id={self.record.run_id} split={split}",
            )
        return read(confine(self.folder, score.file))

    def model(self) -> Any:
        """The trained model: the LightningModule in evaluation mode, or the fitted estimator."""
        from receipts.training.method import build_method

        method = build_method(self.config)
        method.load(self.folder, store.Run(self.folder, self.record).checkpoint)
        return method.model()


def load(run_id: str) -> Loaded:
    """A completed run: `load("latest:baseline")`, `load("20261120-1337")`. Raises a `Refusal` for an unknown one."""
    project.enter(Path.cwd())
    record = choice.select(run_id)
    return Loaded(record, experiment_of(record).config, RUNS / record.run_id)
