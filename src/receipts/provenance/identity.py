"""One hash over everything that can change a run's numbers: config, code, lock, data, split.

The commit is recorded beside it; a README, a report table or an unrelated model never makes a run new.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from receipts.config import project
from receipts.config.build import calls
from receipts.config.schema import NO_NUMBER
from receipts.provenance import code


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SHA-256 over what can change the numbers (`id`), and of each of the five parts."""

    id: str
    config: str
    code: str
    lock: str
    data: str
    split: str


def identify(values: dict[str, Any], lab: dict[str, str], data: dict[str, str], manifest: bytes) -> Identity:
    """The identity of a run from its resolved config, its files, its data's checksums and its split manifest.

    One file's checksum or one default changed makes another run.
    """
    parts = {
        "config": config_hash(values),
        "code": code.combined({"core": code.core(), "train.py": file_hash(Path("train.py")), **lab}),
        "lock": file_hash(project.LOCK),
        "data": code.combined(data),
        "split": code.sha256(manifest),
    }
    return Identity(id=code.combined(parts), **parts)


def config_hash(values: dict[str, Any]) -> str:
    """SHA-256 of what a resolved config says of the numbers; a method declared deterministic has no seed."""
    kept = hashed(values)
    if values["facts"]["deterministic"]:
        del kept["seed"]
    return code.sha256(json.dumps(kept, sort_keys=True).encode())


def method_hash(values: dict[str, Any]) -> str:
    """The same without the seed: one hash for all seeds of a method."""
    kept = {key: value for key, value in hashed(values).items() if key != "seed"}
    return code.sha256(json.dumps(kept, sort_keys=True).encode())


def hashed(values: dict[str, Any]) -> dict[str, Any]:
    """The part of a resolved config that can move a number."""
    kept = {key: value for key, value in values.items() if key not in NO_NUMBER}
    if isinstance(origin := values["fit"]["init_from"], dict):  # which folder the weights lie in moves no number
        kept["fit"] = {**values["fit"], "init_from": {key: origin[key] for key in ("identity", "weights")}}
    kept["processes"] = values["trainer"]["processes"] * values["trainer"]["nodes"]
    return kept


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of nothing where a project has no such file."""
    return code.sha256(path.read_bytes() if path.is_file() else b"")


def targets(values: dict[str, Any]) -> list[str]:
    """Every class that a config builds, and every function of `metrics`."""
    found = [node["_target_"] for _, node in calls("", {key: values[key] for key in values if key != "ablations"})]
    found += [metric["function"] for metric in values.get("metrics", [])]
    return list(dict.fromkeys(found))
