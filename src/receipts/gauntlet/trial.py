"""Fits that are no runs: the experiment of a record on changed rows, in a temporary folder, leaving no record behind.

What is changed is changed in the opened rows, so nothing of the researcher's has to know of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from receipts.config import presets
from receipts.config.compose import Experiment
from receipts.config.schema import Config, Limit
from receipts.data import manifest
from receipts.data.manifest import Manifest
from receipts.data.opening import open_splits
from receipts.data.sealed import Subset
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.received import read
from receipts.evaluation.rescoring import verified
from receipts.evaluation.scoring import predict
from receipts.gauntlet.subjects import score_of
from receipts.provenance.trace import trace
from receipts.runs import repeat, store
from receipts.runs.record import Record
from receipts.training.method import Method, Site, build_method

FAST = Limit(1000, 5)  # where a project has no preset called fast


@dataclass(frozen=True)
class Trial:
    """An experiment of a record under today's code, with its train and val rows open."""

    experiment: Experiment
    manifest: Manifest
    train: Subset
    val: Subset

    @property
    def config(self) -> Config:
        """Its config, one process, whatever the run had."""
        return self.experiment.config


def prepared(record: Record, change: Callable[[Config], Config] = lambda config: config) -> tuple[Experiment, Manifest]:
    """The experiment of a run and its manifest; refused where code, data or split are no longer those of the run."""
    experiment = repeat.experiment_of(record)
    path, division = manifest.load(experiment.data)
    repeat.refuse_changed(record, trace(experiment.values, division.files, division.origin, path))
    config = change(experiment.config)
    alone = replace(config, trainer=replace(config.trainer, processes=1))
    return replace(experiment, config=alone), division


def opened(record: Record, change: Callable[[Config], Config] = lambda config: config) -> Trial:
    """The same with train and val open; nothing here ever opens test."""
    experiment, division = prepared(record, change)
    train, val = open_splits(experiment, division, ("train", "val"), [])
    return Trial(experiment, division, train, val)


def fast(config: Config) -> Config:
    """An experiment under the caps of the preset `fast`, where they are the tighter ones."""
    caps = limits()
    rows, epochs = (least(getattr(config.limit, name), getattr(caps, name)) for name in ("rows", "epochs"))
    return replace(config, limit=replace(config.limit, rows=rows, epochs=epochs))


def limits() -> Limit:
    """What the preset `fast` caps."""
    stated = presets.stated("fast")
    return Limit(stated.get("limit.rows"), stated.get("limit.epochs")) if stated else FAST


def least(one: int | None, other: int | None) -> int | None:
    """The smaller of two caps, of which either may be absent."""
    return min((cap for cap in (one, other) if cap is not None), default=None)


def fitted(config: Config, train: Subset, val: Subset) -> Method:
    """A method fitted and carrying the weights that val selected; what it wrote on the way is gone."""
    with TemporaryDirectory(prefix="receipts-trial-") as folder:
        method = build_method(config)
        method.load(Path(folder), method.fit(train, val, Site(Path(folder))))
    return method


def answers(method: Method, subset: Subset, config: Config) -> Predictions:
    """What a method says of a split."""
    return predict(method, subset, config.task)[0]


def recorded(record: Record, config: Config) -> Method:
    """The method with the weights of a recorded run."""
    assert record.checkpoint is not None, "a completed run has weights"
    method = build_method(config)
    method.load(store.folder(record), record.checkpoint)
    return method


def stored(record: Record, split: str) -> Predictions:
    """The predictions that a run was scored by."""
    return read(verified(store.folder(record), score_of(record, split)))


def has_rows(subset: Subset) -> bool:
    """Whether the core holds the rows itself; those of a LightningDataModule are its own."""
    return len(subset.targets) > 0 or len(subset) == 0


def distance(one: Predictions, other: Predictions) -> float:
    """The farthest that two sets of predictions for the same ids are apart, in probability or in the target's unit."""
    place = {name: row for row, name in enumerate(other.ids)}
    rows = np.array([place[name] for name in one.ids])
    apart: Any = np.abs(one.stated.astype(np.float64) - other.stated[rows].astype(np.float64))
    return float(apart.max())
