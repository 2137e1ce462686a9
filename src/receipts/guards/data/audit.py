"""All checks of the data of an experiment."""

from receipts.config.compose import Experiment
from receipts.data.manifest import Manifest
from receipts.data.sealed import Subset
from receipts.runs.record import Check


def examine(experiment: Experiment, manifest: Manifest, train: Subset, val: Subset) -> list[Check]:
    """A verdict for every check of the data; test is judged by what the manifest tells of it."""
    return []
