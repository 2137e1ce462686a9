"""A method: whatever fits on train, may look at val, and then predicts. Two kinds, one shape."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from receipts.config import build
from receipts.config.check import refuse_fit_of_estimator
from receipts.config.place import ALONE, Place
from receipts.config.schema import Config
from receipts.data.sealed import Subset
from receipts.refusal import Refusal
from receipts.runs.pulse import Pulse
from receipts.runs.record import Check, Checkpoint, World
from receipts.training.preflight.kept import Rehearsed

Outputs = np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]]


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Site:
    """Where a fit happens: the run's folder, and the place of this process among all that train.

    `first_step` is called once, when nothing is left to import: slow bystanders may start then. What is checked on the
    way joins `checks`, what is to be known of it `warnings`; `pulse` is beaten at every step.
    """

    folder: Path
    first_step: Callable[[], None] = nothing
    place: Place = ALONE
    checks: list[Check] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pulse: Pulse = field(default_factory=Pulse)

    @property
    def rank(self) -> int:
        """The number of this process among all that train."""
        return self.place.rank

    @property
    def world(self) -> int:
        """How many processes train."""
        return self.place.world

    @property
    def log(self) -> Path:
        """Where this process says what it does."""
        return self.log_of(self.rank)

    def log_of(self, rank: int) -> Path:
        """Where each of them does."""
        return self.folder / (f"train.rank{rank}.log" if rank else "train.log")


class Method(Protocol):
    """What the scripts know of a model: fit it, load the weights that were selected, predict, describe."""

    def fit(self, train: Subset, val: Subset, site: Site) -> Checkpoint:
        """Learn from train; return which weights were selected on val, and why."""

    def load(self, folder: Path, checkpoint: Checkpoint) -> None:
        """Take the selected weights, refusing a file that is not the recorded one."""

    def predict(self, subset: Subset) -> Outputs:
        """Outputs for every row of a split, in its order; targets are never seen."""

    def world(self) -> World:
        """What it computes on, and what was pinned."""

    def parameters(self) -> dict[str, Any]:
        """What it was built with, defaults included."""

    def model(self) -> Any:
        """The model itself, ready to predict."""

    def ended(self) -> str | None:
        """What ended the fit before its last epoch; None where nothing did."""

    def steps(self) -> int | None:
        """How many optimizer steps the fit made; None where the notion does not apply."""

    def rehearse(self, train: Subset, val: Subset) -> Rehearsed:
        """Verdicts on the method before it is fitted; it is left as it was."""

    def size(self) -> int | None:
        """How many parameters it has; None where the notion does not apply."""


def build_method(config: Config) -> Method:
    """The method an experiment names, built under its seed.

    Raises a `Refusal` for a class that is neither a LightningModule nor an estimator.
    """
    kind = build.resolve("model", config.model["_target_"])
    if is_module(kind):
        from receipts.training.modules import ModuleMethod

        return ModuleMethod(config)
    if hasattr(kind, "fit") and (hasattr(kind, "predict") or hasattr(kind, "predict_proba")):
        from receipts.training.estimators import EstimatorMethod

        refuse_fit_of_estimator(config)
        return EstimatorMethod(config)
    raise Refusal(
        f"{config.model['_target_']} is no method",
        "it is neither a LightningModule nor has it fit and predict",
        "inherit from lightning.pytorch.LightningModule, or write a scikit-learn estimator",
    )


def is_module(kind: type) -> bool:
    """Whether a class is a LightningModule, without importing Lightning to find out that it is not."""
    lightning = sys.modules.get("lightning.pytorch")
    return lightning is not None and issubclass(kind, lightning.LightningModule)
