"""Verdicts on data, kept by everything they depend on: another seed of the same config is told them at once."""

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec

from receipts.config.compose import Experiment
from receipts.config.project import RUNS
from receipts.data.manifest import Manifest
from receipts.data.sealed import Subset
from receipts.guards.data import audit
from receipts.provenance import code
from receipts.provenance.identity import Identity
from receipts.runs import files
from receipts.runs.record import Check

FOLDER = RUNS / ".preflight"
# What of a config the data checks read.
ASKED = ("data", "split", "task", "transforms", "augment", "facts", "limit", "model")
OF_FIT = ("train_fraction", "init_from")


def examine(
    identity: Identity, experiment: Experiment, manifest: Manifest, train: Subset, val: Subset, module: Any
) -> list[Check]:
    """The verdicts of `audit.examine`: those of an earlier run of the same data, or made now."""
    path = path_of(identity, experiment)
    with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(path.read_bytes(), type=list[Check])
    found = audit.examine(experiment, manifest, train, val, module)
    if not any(check.verdict == "fail" for check in found):
        files.keep(path, msgspec.json.encode(found))
    return found


def path_of(identity: Identity, experiment: Experiment) -> Path:
    """Where verdicts on these data lie, seen by this code for this model."""
    values = experiment.values
    asked = {key: values[key] for key in ASKED} | {key: values["fit"][key] for key in OF_FIT}
    parts = {"code": identity.code, "lock": identity.lock, "data": identity.data, "split": identity.split}
    told = code.sha256(json.dumps(asked, sort_keys=True).encode())
    return FOLDER / f"{code.combined({**parts, 'asked': told})}-data.json"
