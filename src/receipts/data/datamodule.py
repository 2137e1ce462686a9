"""A ready-made LightningDataModule: its own batches, with ids, counts and whatever can be checked joined on.

Its train loader is not read before training. Its val loader is read twice, and `setup("test")` is left to eval.py.
What only a `Dataset` lets the core check is listed as not run.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightning.pytorch import LightningDataModule
from torch.utils.data import IterableDataset, RandomSampler

from receipts.checks.catalogue import not_run, passed
from receipts.config.compose import DataPlan
from receipts.config.schema import Config
from receipts.data import contract, protocol, stored
from receipts.data.manifest import Manifest, Part
from receipts.data.sealed import Subset
from receipts.data.splits import labels
from receipts.data.steady import unsteady
from receipts.provenance.determinism import aside, derive
from receipts.refusal import Refusal
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

LOADERS = {"train": "train_dataloader", "val": "val_dataloader", "test": "test_dataloader"}
BATCH_HOOKS = ("transfer_batch_to_device", "on_before_batch_transfer", "on_after_batch_transfer")
NOT_RUN = ("train-content", "split-overlap", "near-duplicates", "entity-overlap", "time-order", "test-sealed")


@dataclass(frozen=True)
class OwnLoader:
    """A loader of somebody's own, of which the first `limit` rows are used."""

    source: Any
    limit: int | None

    def __len__(self) -> int:
        return row_count(self.source) if self.limit is None else min(self.limit, row_count(self.source))


@dataclass(frozen=True)
class Reading:
    """What one pass over a loader gave: labels `(n, *target)`, and a hash of every x and y `(n,)`."""

    targets: Array
    x: Array
    y: Array


def opened(module: LightningDataModule, stage: str) -> LightningDataModule:
    """A DataModule after `setup(stage)`, under a seed of its own: what it divides at random is divided once for all."""
    name = type(module).__qualname__
    if not isinstance(module, LightningDataModule):
        raise Refusal(
            f"{name} is no LightningDataModule",
            "split.rule is datamodule, which leaves loaders and division to one",
            "state another split.rule, or inherit from lightning.pytorch.LightningDataModule",
        )
    for hook in BATCH_HOOKS:
        if getattr(type(module), hook) is not getattr(LightningDataModule, hook):
            raise Refusal(
                f"{name} has its own {hook}",
                "batches are handed to Lightning without their DataModule, so it would not be called",
                "do the same in the module, or in the dataset that the loader reads",
            )
    with aside(derive("setup")):
        module.prepare_data()
        module.setup(stage)
    return module


def open_splits(
    module: Any, config: Config, manifest: Manifest, names: tuple[str, ...], checks: list[Check]
) -> list[Subset]:
    """The named splits as subsets whose inputs are loaders; what was checked, and what could not be, joins `checks`."""
    contract.check_source(describe(module), manifest)
    opened(module, "test" if "test" in names else "fit")
    found = []
    for name in names:
        loader = OwnLoader(loader_of(module, name), config.limit.rows)
        if name == "train":
            found.append(Subset(name, ids(name, len(loader)), loader, np.empty(0), None, None))
            continue
        reading = read_twice(module, name, config.limit.rows)
        subset = Subset(name, ids(name, len(reading.x)), loader, reading.targets, None, None)
        contract.check_labels(subset, config.task)
        check_stored(subset, reading, manifest)
        checks.append(passed(f"{name}-steady", f"{len(subset)} rows were read twice, in the same order"))
        found.append(subset)
    reason = "the DataModule keeps its rows to itself; a dataset with ids would let this be checked"
    checks += [not_run(code, reason) for code in NOT_RUN]
    return found


def check_stored(subset: Subset, reading: Reading, manifest: Manifest) -> None:
    """Val as it was when the manifest was made; of test nothing was read then."""
    if subset.name != "val":
        return
    then = stored.read(manifest)
    n = len(subset)
    for name, now, known in (("inputs", reading.x, then["x"]), ("labels", reading.y, then["y"])):
        if n > len(known) or stored.changed(now, known[:n]).size:
            raise Refusal(
                f"the val loader gives other {name} than when its manifest was made",
                f"{n} rows now, {len(known)} then: the code or what it reads has changed",
                "take that change back, or receipts split NAME and commit it",
            )


def plan_manifest(plan: DataPlan, module: Any) -> tuple[Array, Array, dict[str, Part]]:
    """For `receipts split`: content hashes of val, and how many rows there are where that can be known."""
    describe(module)
    opened(module, "fit")
    reading = read_twice(module, "val", None)
    parts = {
        "train": Part(None, row_count(loader_of(module, "train")), {}),
        "val": Part(None, len(reading.x), labels(reading.targets, plan.task.classes)),
        "test": Part(None, None, {}),
    }
    return reading.x, reading.y, parts


def describe(module: Any) -> Any:
    """The module, with `unknown` where it does not say where its data come from, and no files where it names none."""
    for key in ("kind", "source", "licence", "version"):
        if not hasattr(module, key):
            setattr(module, key, "unknown")
    if module.kind != "unknown":
        protocol.check_kind(module, type(module).__qualname__)
    if not hasattr(module, "files"):
        module.files = []
    return module


def loader_of(module: LightningDataModule, split: str) -> Any:
    """The loader of a split: one, of a known length, and for held-back rows in order and complete."""
    name = f"{type(module).__qualname__}.{LOADERS[split]}"
    loader = getattr(module, LOADERS[split])()
    if not hasattr(loader, "dataset"):
        raise Refusal(
            f"{name} returned a {type(loader).__name__}",
            "one torch DataLoader is needed for each split",
            "return DataLoader(dataset, …)",
        )
    if isinstance(loader.dataset, IterableDataset):
        raise protocol.streaming(name)
    if split != "train" and isinstance(loader.sampler, RandomSampler):
        raise shuffles(name)
    if split != "train" and loader.drop_last:
        raise Refusal(
            f"{name} drops its last batch",
            "every held-back row counts exactly once",
            "drop_last=False for val and test",
        )
    return loader


def row_count(loader: Any) -> int:
    """How many rows a loader's dataset has."""
    return len(loader.dataset)


def ids(split: str, n: int) -> list[str]:
    """Ids in the order of the loader."""
    return [f"{split}/{row:06d}" for row in range(n)]


def read_twice(module: LightningDataModule, split: str, limit: int | None) -> Reading:
    """All held-back rows of a loader; refused when a second reading gives others, or another order."""
    name = f"{type(module).__qualname__}.{LOADERS[split]}"
    with aside(0):
        first = read(loader_of(module, split), limit, name)
    with aside(1):
        second = read(loader_of(module, split), limit, name)
    if np.array_equal(first.x, second.x) and np.array_equal(first.y, second.y):
        return first
    if np.array_equal(np.sort(first.x), np.sort(second.x)):
        raise shuffles(name)
    raise unsteady(name, f"{len(first.x)} rows the first time, other content the second", "take out what draws")


def read(loader: Any, limit: int | None, name: str) -> Reading:
    """One pass over a loader."""
    targets, x, y = [], [], []
    for batch in batches(loader, limit, name):
        values = np.asarray(batch[1])
        targets.append(values)
        x.append(stored.digests(row_of(batch[0], row) for row in range(len(values))))
        y.append(stored.digests(values))
    return Reading(*(np.concatenate(parts) for parts in (targets, x, y)))


def batches(loader: Any, limit: int | None, name: str) -> Any:
    """Batches `(x, y)` until `limit` rows have passed, the last one cut to it."""
    left = row_count(loader) if limit is None else limit
    for batch in loader:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise Refusal(
                f"{name} gives batches that are no (x, y)",
                f"a batch is a {type(batch).__name__}; predict_step gets x alone, so the two must be told apart",
                "return (x, y) from the dataset; x may be a tuple or a dictionary",
            )
        n = len(batch[1])
        yield batch if n <= left else tuple(cut(part, left) for part in batch)
        left -= n
        if left <= 0:
            return


def cut(part: Any, n: int) -> Any:
    """The first n rows of a batch, however it is nested."""
    if isinstance(part, dict):
        return {key: cut(value, n) for key, value in part.items()}
    return type(part)(cut(value, n) for value in part) if isinstance(part, tuple | list) else part[:n]


def row_of(part: Any, row: int) -> Any:
    """One row of a batch, however it is nested."""
    if isinstance(part, dict):
        return {key: row_of(value, row) for key, value in part.items()}
    return [row_of(value, row) for value in part] if isinstance(part, tuple | list) else part[row]


def shuffles(name: str) -> Refusal:
    """The refusal of a held-back loader without a fixed order."""
    return Refusal(
        f"{name} shuffles",
        "ids are given in the loader's order, so every prediction would be held against another row's label",
        "shuffle=False for val and test",
    )
