"""The split manifest: which rows are train, val and test, made once by `receipts split`, committed, loaded by all.

It holds what later needs test rows (content hashes, label counts, duplicates), so that nothing has to open them.
This file reads manifests without NumPy; `splits` makes them.
"""

from pathlib import Path
from typing import Any

import msgspec

from receipts.config import project
from receipts.config.compose import DataPlan
from receipts.config.schema import Config
from receipts.refusal import Refusal

SCHEMA = 1


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """One split: its rows as half-open ranges, how many, and how often each label occurs (classes only)."""

    rows: list[tuple[int, int]]
    n: int
    labels: dict[str, int]


class Hashes(msgspec.Struct, forbid_unknown_fields=True):
    """Where the content hashes of all rows are, and what they are of."""

    file: str
    sha256: str
    algorithm: str


class NearDuplicates(msgspec.Struct, forbid_unknown_fields=True):
    """Rows of val and test with a near twin in another split; `below` is the distance that counts as near."""

    n: int
    method: str
    below: float


class Facts(msgspec.Struct, forbid_unknown_fields=True):
    """What splits share: entities and rows that stand on both sides, and the order of times; null where unknown."""

    entities: int | None
    times: bool | None
    duplicates_across: int
    near_duplicates_across: NearDuplicates


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """A dataset's committed division."""

    schema: int
    dataset: str
    arguments: dict[str, Any]
    kind: str
    source: str
    licence: str
    version: str
    files: dict[str, str]
    rule: dict[str, Any]
    hashes: Hashes
    splits: dict[str, Part]
    facts: Facts

    @property
    def origin(self) -> dict[str, str]:
        """Kind, source, licence and version of the dataset."""
        return {"kind": self.kind, "source": self.source, "licence": self.licence, "version": self.version}


def path_of(dataset: str) -> Path:
    """Where the manifest of a dataset lies."""
    return project.SPLITS / f"{dataset}.json"


def load(plan: DataPlan, split: str = "train") -> tuple[Path, Manifest]:
    """The manifest of a dataset; refused when missing, damaged, made for something else or without `split`."""
    path = path_of(plan.name)
    cure = f"receipts split {plan.name}"
    if not path.is_file():
        raise Refusal(
            f"{path} does not exist",
            "without it nobody knows which rows were held back",
            f"{cure}      (and commit it)",
        )
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(
            f"{path} is not a readable manifest", str(error), f"git checkout {path}      (or {cure})"
        ) from error
    refuse_stale(path, manifest, plan, cure)
    if split not in manifest.splits:
        raise Refusal(f"there is no split {split!r}", f"{path} has {', '.join(manifest.splits)}", "name one of them")
    return path, manifest


def suspicious(manifest: Manifest, config: Config) -> list[str]:
    """What is technically valid and probably wrong for these rows, one sentence each."""
    rows, batch = manifest.splits["train"].n, config.fit.batch_size or 1
    rows = min(rows, config.limit.rows or rows)
    if batch > rows:
        return [f"fit.batch_size is {batch} and train has {rows} rows: one step an epoch"]
    if batch > 1 and rows % batch == 1:
        return [f"{rows} rows in batches of {batch} leave one for the last batch: BatchNorm cannot train on it"]
    return []


def refuse_stale(path: Path, manifest: Manifest, plan: DataPlan, cure: str) -> None:
    """A manifest made from other arguments, or by another rule, than the experiment states."""
    asked = dict(plan.call)
    target = asked.pop("_target_")
    split = {"rule": plan.split.rule, "shares": plan.split.shares}
    pairs = {
        "schema": (manifest.schema, SCHEMA),
        "dataset": (manifest.dataset, target),
        "arguments": (manifest.arguments, asked),
        "split": (manifest.rule, split),
    }
    for name, (stored, stated) in pairs.items():
        if stored != stated:
            raise Refusal(
                f"{path} was made for another {name}",
                f"it says {stored}, the experiment says {stated}",
                f"{cure}      (and commit it), or take the change back",
            )
