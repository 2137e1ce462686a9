"""All checks of the data of an experiment, after the data's own contract: seconds at most, and test stays sealed."""

from typing import Any

import numpy as np

from receipts.checks.catalogue import not_run
from receipts.config.compose import Experiment
from receipts.data.items import Items
from receipts.data.manifest import Manifest
from receipts.data.sealed import Subset
from receipts.guards.data import draws, inputs, labels, leaks, looking, overlap
from receipts.provenance.determinism import aside
from receipts.runs.record import Check

OF_ROWS = (
    "golden-batch",
    "labels-covered",
    "labels-aligned",
    "labels-clean",
    "feature-leaks-the-label",
    "inputs-vary",
    "inputs-alike",
    "inputs-in-range",
    "augment-keeps-labels",
)


def examine(experiment: Experiment, manifest: Manifest, train: Subset, val: Subset, module: Any = None) -> list[Check]:
    """A verdict for every check of the data; test is judged by what the manifest tells of it.

    `module` is the network that will be trained, if it is one. No random stream is moved.
    """
    with aside(0):
        return found(experiment, manifest, train, val, module)


def found(experiment: Experiment, manifest: Manifest, train: Subset, val: Subset, module: Any) -> list[Check]:
    """The verdicts, in the order in which they are told."""
    if not isinstance(train.inputs, Items | dict | np.ndarray):
        reason = "the DataModule keeps its rows to itself; a dataset with ids would let this be checked"
        return [draws.workers(train.inputs.source), *(not_run(name, reason) for name in OF_ROWS)]
    task = experiment.config.task
    looked = looking.look(train, val)
    return [
        *overlap.overlaps(manifest),
        *labels.audit(looked, manifest, task),
        *leaks.audit(looked, manifest, task),
        *inputs.audit(looked, manifest, train, experiment, module),
        *draws.audit(train, experiment),
    ]
