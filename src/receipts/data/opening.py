"""From an experiment and its manifest to the splits a script may see: built, checked, transformed."""

from functools import partial
from pathlib import Path
from typing import Any

from receipts.config.build import build, resolve
from receipts.config.compose import Experiment
from receipts.data import contract, rules
from receipts.data.manifest import Manifest, missing_file
from receipts.data.sealed import SealedData, Subset
from receipts.data.transforms import Transforms
from receipts.provenance import opened as reads
from receipts.runs.record import Check


def open_splits(
    experiment: Experiment, manifest: Manifest, names: tuple[str, ...], checks: list[Check]
) -> list[Subset]:
    """The named splits in order; every other one stays sealed. What was checked is added to `checks`.

    Transforms are fitted on train rows, so train is read whether or not it is asked for.
    """
    config = experiment.config
    if config.split.rule == "datamodule":
        from receipts.data import datamodule  # with it comes Lightning, which estimators do without

        with reads.reads() as read:
            found = datamodule.open_splits(built(config.data, manifest.access), config, manifest, names, checks)
        checks.append(contract.covered(manifest, read))
        return found
    opened = tuple(dict.fromkeys((*names, "train"))) if config.transforms else names
    fraction = config.fit.train_fraction
    thinned = partial(rules.part, fraction=fraction) if fraction < 1 else None
    with reads.reads() as read:
        data = SealedData(built(config.data, manifest.access), manifest, opened, config.limit.rows, thinned)
        checks += contract.check(data, config.task)
    checks.append(contract.covered(manifest, read))
    transforms = Transforms([build(spec, "transforms") for spec in config.transforms]).fit(data)
    found = [transforms.apply(data.subset(name)) for name in names]
    if transforms.steps:
        checks += [transforms.steady(data.subset(name)) for name in names if name != "train"]
    reads.begin()
    return found


def built(call: dict[str, Any], access: str = "") -> Any:
    """The dataset that a constructor call names; a file that it misses is refused with the terms to get it."""
    try:
        return build(call, "data")
    except FileNotFoundError as error:
        terms = access or getattr(resolve("data", call["_target_"]), "access", "")
        raise missing_file(missing_name(error, call), terms) from error


def missing_name(error: FileNotFoundError, call: dict[str, Any]) -> str:
    """Which file was not found; some readers say so in words only, and then it is the first such path in the call."""
    paths = [value for value in call.values() if isinstance(value, str) and "/" in value and not Path(value).exists()]
    return str(error.filename or next(iter(paths), error))
