"""The split manifest: which rows are train, val and test, made once by `receipts split`, committed, loaded by all.

It holds what later needs test rows (content hashes, label counts, duplicates), so that nothing has to open them.
This file reads manifests without NumPy; `splits` makes them.
"""

from pathlib import Path
from typing import Any

import msgspec

from receipts.config import division, project
from receipts.config.compose import DataPlan, Experiment, data_plan
from receipts.data.facts import Facts
from receipts.provenance import checksums
from receipts.refusal import Refusal

SCHEMA = 1
LOADING = ("workers", "num_workers", "n_workers", "prefetch_factor", "persistent_workers", "pin_memory", "batch_size")


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """One split: its rows as half-open ranges, how many, and how often each label occurs (classes only).

    `rows` is null where there would be many ranges: then the file of hashes holds the rows too. `n` is null for a
    split that only a LightningDataModule knows, until it is opened.
    """

    rows: list[tuple[int, int]] | None
    n: int | None
    labels: dict[str, int]


class Hashes(msgspec.Struct, forbid_unknown_fields=True):
    """Where the content hashes of all rows are, and what they are of."""

    file: str
    sha256: str
    algorithm: str


class Golden(msgspec.Struct, forbid_unknown_fields=True):
    """The first train rows as the data file's `transforms` leave them: hash, shape, mean and standard deviation."""

    transforms: list[dict[str, Any]]
    hash: str
    shape: list[int]
    mean: float
    deviation: float


class Manifest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A dataset's committed division. `facts` is null where nobody may compare the splits; `access` names terms.

    Generated data name their `generator`. `features` says of each column whether it is known at prediction time.
    """

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
    facts: Facts | None
    access: str = ""
    generator: str | None = None
    golden: Golden | None = None
    features: dict[str, bool] | None = None

    @property
    def origin(self) -> dict[str, str]:
        """Kind, source, licence and version of the dataset; the generator of generated data."""
        known = {"kind": self.kind, "source": self.source, "licence": self.licence, "version": self.version}
        return known | ({"generator": self.generator} if self.generator else {})


def path_of(plan: DataPlan) -> Path:
    """Where the manifest of a division lies: one for a dataset, one for each of its folds."""
    fold = "" if plan.split.fold is None else f"-fold{plan.split.fold}"
    return project.SPLITS / f"{plan.name}{fold}.json"


def is_folded(plan: DataPlan) -> bool:
    """Whether folds were asked for that the dataset's own file does not state."""
    return plan.split.folds is not None and data_plan(plan.name).split.folds is None


def load(plan: DataPlan, split: str = "train") -> tuple[Path, Manifest]:
    """The manifest of a dataset; refused when missing, damaged, made for something else or without `split`."""
    path = path_of(plan)
    cure = f"receipts split {plan.name}" + (f" folds={plan.split.folds}" if is_folded(plan) else "")
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
    refuse_missing(manifest)
    if split not in manifest.splits:
        raise Refusal(f"there is no split {split!r}", f"{path} has {', '.join(manifest.splits)}", "name one of them")
    return path, manifest


def suspicious(manifest: Manifest, experiment: Experiment) -> list[str]:
    """What is technically valid and probably wrong for these rows, one sentence each.

    Refuses a full run on data that no checksum covers.
    """
    if not manifest.files and experiment.preset == ["full"]:
        raise Refusal(
            f"{manifest.dataset} names no files",
            "no checksum covers its data, so a number could never be traced to them",
            "set self.files to the paths it reads, and receipts split NAME      (or preset=fast, for a look)",
        )
    config = experiment.config
    rows, batch = round((manifest.splits["train"].n or 0) * config.fit.train_fraction), config.fit.batch_size or 1
    rows = min(rows, config.limit.rows or rows)
    if rows and batch > rows:
        return [f"fit.batch_size is {batch} and train has {rows} rows: one step an epoch"]
    rest, world = rows % batch, config.trainer.world
    if batch > 1 and 0 < rest < 2 * world:
        each = "" if world == 1 else f", which {world} processes share"
        left = "one" if rest == 1 else str(rest)
        short = f"{rows} rows in batches of {batch} leave {left} for the last batch{each}"
        return [f"{short}: BatchNorm cannot train on one row"]
    return []


def refuse_stale(path: Path, manifest: Manifest, plan: DataPlan, cure: str) -> None:
    """A manifest made from other arguments, or by another rule, than the experiment states."""
    asked = dict(plan.call)
    target = asked.pop("_target_")
    pairs = {
        "schema": (manifest.schema, SCHEMA),
        "dataset": (manifest.dataset, target),
        "arguments": tuple(content_of(each, plan) for each in (manifest.arguments, asked)),
        "split": (manifest.rule, division.stated(plan.split)),
    }
    for name, (stored, stated) in pairs.items():
        if stored != stated:
            raise Refusal(
                f"{path} was made for another {name}",
                f"it says {stored}, the experiment says {stated}",
                f"{cure}      (and commit it), or take the change back, or give the data an own file in conf/data/",
            )


def content_of(arguments: dict[str, Any], plan: DataPlan) -> dict[str, Any]:
    """The arguments that say what data there are; of a DataModule not those that say how its rows are loaded."""
    own = plan.split.rule == "datamodule"
    return {name: value for name, value in arguments.items() if not (own and name in LOADING)}


def refuse_missing(manifest: Manifest) -> None:
    """Files of the dataset that are not here, with the terms on which they are to be had."""
    missing = [name for name in manifest.files if not Path(name).is_file()]
    if missing:
        raise missing_file(missing[0], manifest.access)


def missing_file(name: str, access: str) -> Refusal:
    """A file of a dataset that is not here: what it is, on which terms it is to be had, and how to get it."""
    made_by = checksums.owner(name)
    cure = "dvc pull" if made_by == checksums.POINTER else f"dvc repro {made_by}"
    terms = f"; {access}" if access else ""
    return Refusal(f"{name} is missing", f"the dataset reads it, and nothing stands in for missing data{terms}", cure)
