"""The split manifest: which rows are train, val and test, made once by `receipts split`, committed, loaded by all.

It holds what later needs test rows (content hashes, label counts, duplicates), so that nothing has to open them.
This file reads manifests without NumPy; `splits` makes them.
"""

from pathlib import Path
from typing import Any

import msgspec

from receipts.config import division, project
from receipts.config.compose import DataPlan, Experiment, data_plan
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


class ButOne(msgspec.Struct, forbid_unknown_fields=True):
    """How many of `looked` rows of a table equal a row of the splits before them in all columns but one.

    `inside` is the share of train rows that equal another one so, `by_accident` what the other columns would give by
    chance; `pairs` names the first few.
    """

    column: int
    n: int
    looked: int
    inside: float
    by_accident: float
    pairs: list[tuple[str, str]]


class Lagged(msgspec.Struct, forbid_unknown_fields=True):
    """How many of `looked` rows of a table are windows of a series that others of the splits before them continue.

    Those begin `lag` columns later; as many precede them. `pairs` names the first few.
    """

    lag: int
    n: int
    looked: int
    pairs: list[tuple[str, str]]


class Twins(msgspec.Struct, forbid_unknown_fields=True):
    """How many of `looked` rows of a split have a near twin in those before it, and how many would without a leak.

    `inside` is the share of train rows with a near twin in train, `by_accident` what scattered points would give;
    `pairs` names the first few: the row's id and its twin's. `changed` tells of images that are twins only after one of
    them is changed: how many, of how many, and how. `but_one` and `lagged`, of tables, are there only where
    rows were found.
    """

    split: str
    n: int
    looked: int
    inside: float
    by_accident: float
    pairs: list[tuple[str, str]]
    changed: tuple[int, int, str] = (0, 0, "")
    but_one: ButOne | msgspec.UnsetType = msgspec.UNSET
    lagged: Lagged | msgspec.UnsetType = msgspec.UNSET


class NearDuplicates(msgspec.Struct, forbid_unknown_fields=True):
    """Rows of val and test with a near twin in another split; `below` is what counts as near.

    `splits` tells them split by split; null in manifests of an older core and where nothing was searched.
    """

    n: int
    method: str
    below: float
    splits: list[Twins] | None = None


class Copies(msgspec.Struct, forbid_unknown_fields=True):
    """How many rows of a split stand in those before it too, byte for byte; `pairs` names the first few.

    `inside` is the share of train rows that stand twice in train, `by_accident` how many such rows samples of so few
    values would bring by themselves.
    """

    split: str
    n: int
    of: int
    inside: float
    by_accident: float
    pairs: list[tuple[str, str]]


class Facts(msgspec.Struct, forbid_unknown_fields=True):
    """What splits share: entities and rows that stand on both sides, and the order of times; null where unknown.

    `copies` tells the rows split by split, `centred` which share of the columns has a mean of nought over all rows and
    not over those of train; both null in manifests of an older core. `encoded` are columns that hold the mean label of
    each of their values over all rows, where there are any; `moments` is a column of moments by which rows of train are
    later than some that are held back, where the dataset declares no times; `misplaced` is by how many rows labels
    stand later than the inputs that they follow from.
    """

    entities: int | None
    times: bool | None
    duplicates_across: int
    near_duplicates_across: NearDuplicates
    copies: list[Copies] | None = None
    centred: float | None = None
    encoded: list[int] | msgspec.UnsetType = msgspec.UNSET
    moments: int | msgspec.UnsetType = msgspec.UNSET
    misplaced: int | msgspec.UnsetType = msgspec.UNSET


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
                f"{cure}      (and commit it), or take the change back",
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
