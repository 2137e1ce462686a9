"""All checks of the data of an experiment, after the data's own contract: seconds at most, and test stays sealed."""

from typing import Any

from receipts.config.compose import Experiment
from receipts.data.manifest import Manifest
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.guards.data import (
    augmenting,
    centring,
    contradictions,
    draws,
    identifiers,
    inputs,
    labels,
    leaks,
    lineage,
    looking,
    overlap,
)
from receipts.provenance.determinism import aside
from receipts.runs.record import Check


def examine(experiment: Experiment, manifest: Manifest, train: Subset, val: Subset, module: Any = None) -> list[Check]:
    """A verdict for every check of the data; test is judged by what the manifest tells of it.

    `module` is the network that will be trained, if it is one. No random stream is moved.
    """
    with aside(0):
        return found(experiment, manifest, train, val, module)


def found(experiment: Experiment, manifest: Manifest, train: Subset, val: Subset, module: Any) -> list[Check]:
    """The verdicts, in the order in which they are told."""
    task, own = experiment.config.task, isinstance(train.inputs, OwnLoader)
    looked = looking.look(train, val)
    return [
        *(overlap.between(looked) if own else overlap.overlaps(manifest)),
        *lineage.audit(manifest, experiment.config),
        *centring.audit(manifest, experiment),
        *labels.audit(looked, manifest, task),
        *contradictions.audit(manifest, looked, task),
        *leaks.audit(looked, manifest, task),
        *identifiers.audit(looked, manifest, task),
        *inputs.audit(looked, manifest, train, experiment, module),
        *augmenting.audit(train, experiment),
        *draws.audit(train),
    ]
