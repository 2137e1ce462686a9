"""From an experiment and its manifest to the splits a script may see: built, checked, transformed."""

from receipts.config.build import build
from receipts.config.compose import Experiment
from receipts.data import contract
from receipts.data.manifest import Manifest
from receipts.data.sealed import SealedData, Subset
from receipts.data.transforms import Transforms
from receipts.runs.record import Check


def open_splits(
    experiment: Experiment, manifest: Manifest, names: tuple[str, ...], checks: list[Check]
) -> list[Subset]:
    """The named splits in order; every other one stays sealed. What was checked is added to `checks`.

    Transforms are fitted on train rows, so train is read whether or not it is asked for.
    """
    config = experiment.config
    opened = tuple(dict.fromkeys((*names, "train"))) if config.transforms else names
    data = SealedData(build(config.data, "data"), manifest, opened, config.limit.rows)
    checks += contract.check(data, config.task)
    transforms = Transforms([build(spec, "transforms") for spec in config.transforms]).fit(data)
    return [transforms.apply(data.subset(name)) for name in names]
