"""The loaders of a split, whichever way its samples are held: in memory, one at a time, or by a DataModule."""

import torch

from receipts.config import build
from receipts.config.schema import Config
from receipts.data.batches import OrderedBatches, TrainBatches, check_augment, targets, tensors
from receipts.data.items import Items
from receipts.data.ownbatches import OwnOrderedBatches, OwnTrainBatches
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.data.shares import Share
from receipts.data.workers import CPU, WorkerOrderedBatches, WorkerTrainBatches


def training(subset: Subset, config: Config, device: torch.device, share: Share) -> TrainBatches | OwnTrainBatches:
    """Shuffled batches `(x, y)`, augmented: this process's share of each global batch. A DataModule's as they are."""
    if isinstance(subset.inputs, OwnLoader):
        return OwnTrainBatches(subset.inputs, config.seed)
    check_augment(augment := [build.build(spec, "augment") for spec in config.augment])
    size, classes = config.fit.batch_size or 1, config.task.classes is not None
    if isinstance(subset.inputs, Items):
        y = targets(subset, classes, CPU)
        return WorkerTrainBatches(subset.inputs, y, size, config.seed, augment, config.trainer.workers, share)
    x, y = tensors(subset.inputs, device), targets(subset, classes, device)
    return TrainBatches(x, y, size, config.seed, augment, share)


def watching(subset: Subset, config: Config, device: torch.device) -> OrderedBatches | OwnOrderedBatches:
    """Batches `(x, y)` in row order, for validation."""
    if isinstance(subset.inputs, OwnLoader):
        return OwnOrderedBatches(subset, subset.inputs, with_targets=True)
    size, classes = own_size(config), config.task.classes is not None
    if isinstance(subset.inputs, Items):
        y = targets(subset, classes, CPU)
        return WorkerOrderedBatches(subset.inputs, y, size, config.seed, config.trainer.workers)
    return OrderedBatches(tensors(subset.inputs, device), targets(subset, classes, device), len(subset), size)


def predicting(subset: Subset, config: Config, device: torch.device) -> OrderedBatches | OwnOrderedBatches:
    """Batches of x alone, in row order."""
    if isinstance(subset.inputs, OwnLoader):
        return OwnOrderedBatches(subset, subset.inputs, with_targets=False)
    size = own_size(config)
    if isinstance(subset.inputs, Items):
        return WorkerOrderedBatches(subset.inputs, None, size, config.seed, config.trainer.workers)
    return OrderedBatches(tensors(subset.inputs, device), None, len(subset), size)


def own_size(config: Config) -> int:
    """How many samples one process of the fit takes at a time, whoever predicts."""
    return (config.fit.batch_size or 1) // config.trainer.world
