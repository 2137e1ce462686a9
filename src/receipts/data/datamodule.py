"""A ready-made LightningDataModule: its own batches, with ids, counts and whatever can be checked joined on.

Of its train loader some rows are looked at before training. Its val loader is read twice, and `setup("test")` is left
to eval.py. What only a `Dataset` lets the core check is listed as not run.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightning.pytorch import LightningDataModule
from torch.utils.data import IterableDataset, RandomSampler

from receipts.checks.catalogue import failed, not_run, passed
from receipts.config.compose import DataPlan
from receipts.config.schema import Config
from receipts.data import contract, golden, protocol, stored
from receipts.data.manifest import Golden, Manifest, Part
from receipts.data.ownloader import OwnLoader, batches, row_count, row_of
from receipts.data.sealed import Subset
from receipts.data.splits import labels
from receipts.data.steady import unsteady
from receipts.provenance.determinism import aside, derive
from receipts.refusal import Refusal
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

LOADERS = {"train": "train_dataloader", "val": "val_dataloader", "test": "test_dataloader"}
BATCH_HOOKS = ("transfer_batch_to_device", "on_before_batch_transfer", "on_after_batch_transfer")
NOT_RUN = ("train-content", "entity-overlap", "time-order", "test-sealed")


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
            checks.append(counted(row_count(loader.source), manifest))
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


def counted(n: int, manifest: Manifest) -> Check:
    """Whether train has as many rows as when the manifest was made."""
    then = manifest.splits["train"].n
    if then != n:
        return failed("row-counts", f"train has {n} rows, its manifest says {then}: a limit from a look is left in")
    return passed("row-counts", f"{n} train rows, as when the manifest was made")


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
                f"{n} rows now, {len(known)} then: the code, its arguments or what it reads have changed",
                "take that change back, or receipts split NAME and commit it",
            )


def plan_manifest(plan: DataPlan, module: Any) -> tuple[Array, Array, dict[str, Part], Golden | None]:
    """For `receipts split`: content hashes of val, how many rows there are where that can be known, and the first."""
    describe(module)
    opened(module, "fit")
    reading = read_twice(module, "val", None)
    train = loader_of(module, "train")
    parts = {
        "train": Part(None, row_count(train), {}),
        "val": Part(None, len(reading.x), labels(reading.targets, plan.task.classes)),
        "test": Part(None, None, {}),
    }
    return reading.x, reading.y, parts, golden.told(golden.batch(OwnLoader(train, None)), [])


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


def shuffles(name: str) -> Refusal:
    """The refusal of a held-back loader without a fixed order."""
    return Refusal(
        f"{name} shuffles",
        "ids are given in the loader's order, so every prediction would be held against another row's label",
        "shuffle=False for val and test",
    )
