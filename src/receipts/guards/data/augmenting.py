"""What augmentation makes of samples and labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.build import build
from receipts.config.compose import Experiment
from receipts.data import twins
from receipts.data.items import Items
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.guards.data.looking import has_classes
from receipts.provenance.determinism import aside
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

NAMES = ("augment-keeps-labels", "augment-within-facts")
BATCH, TRIES = 256, 4
ALIKE, UNLIKE = 0.02, 0.1  # of the deviation: how far apart two images are that are one, and two that are not


def audit(train: Subset, experiment: Experiment) -> Iterator[Check]:
    """A verdict for whatever augmentation does."""
    if isinstance(train.inputs, OwnLoader):
        yield from (not_applicable(name, "the DataModule augments by itself") for name in NAMES)
        return
    name = "augment-keeps-labels"
    if not experiment.config.augment or not has_classes(experiment.config.task):
        yield not_applicable(name, "nothing is augmented, or labels are no classes")
    else:
        yield keeps_labels(train, experiment)
    yield within_invariances(train, experiment)


def keeps_labels(train: Subset, experiment: Experiment) -> Check:
    """Whether augmented labels are the old ones under other names, the same way each time."""
    name = "augment-keeps-labels"
    before, tries = labels_after(train, experiment)
    renamed = [renaming(before, after) for after in tries]
    first = renamed[0]
    if first and all(each == first for each in renamed):
        shown = ", ".join(f"{one} becomes {other}" for one, other in list(first.items())[:5] if one != other)
        return failed(name, f"of {len(before)} train rows every label was exchanged by the same rule: {shown}")
    return passed(name, f"{len(before)} train rows keep their labels, or have them mixed within the batch")


def within_invariances(train: Subset, experiment: Experiment) -> Check:
    """Whether augmentation makes of images only what is declared to leave their labels true."""
    name, allowed = "augment-within-facts", experiment.config.facts.invariances
    if allowed is None or not experiment.config.augment:
        return not_applicable(name, "nothing is augmented, or facts.invariances is not declared")
    x, tries = inputs_after(train, experiment)
    if not isinstance(x, np.ndarray) or not twins.is_image(x.shape[1:]):
        return not_applicable(name, "inputs are no images in one array")
    seen = {change: sum(made_of(x, after, how) for after in tries) for change, how in CHANGES.items()}
    if other := [
        f"{n} of {TRIES * len(x)} images {change}" for change, n in seen.items() if n and change not in allowed
    ]:
        return failed(name, f"{', '.join(other)}; declared is {', '.join(allowed) or 'none'}")
    return passed(name, f"images came out in no way that is not declared ({', '.join(allowed) or 'none'})")


def made_of(before: Array, after: Any, how: Any) -> int:
    """How many images came out changed in one way, and were not the same before."""
    if not isinstance(after, np.ndarray) or after.shape != before.shape:
        return 0
    axes = tuple(axis % before.ndim for axis in twins.grid(before.shape[1:]) or ())
    if how is turn and before.shape[axes[0]] != before.shape[axes[1]]:
        return 0
    changed = how(before, axes)
    spread = max(float(before.std()), 1e-12)
    apart, same = ((np.abs(changed - each).reshape(len(before), -1).mean(1) / spread) for each in (after, before))
    return int(((apart < ALIKE) & (same > UNLIKE)).sum())


def turn(x: Array, axes: Any) -> Array:
    """Images turned by a right angle."""
    return np.rot90(x, 1, axes)


CHANGES = {
    "mirrored": lambda x, axes: np.flip(x, axes[1]),
    "upside-down": lambda x, axes: np.flip(x, axes[0]),
    "turned": turn,
}


def inputs_after(train: Subset, experiment: Experiment) -> tuple[Any, list[Any]]:
    """Inputs of some train rows, and what the augmentations make of them under several seeds."""
    inputs, _, found = batches_after(train, experiment)
    return inputs, [x.numpy() if hasattr(x, "numpy") else x for x, _ in found]


def labels_after(train: Subset, experiment: Experiment) -> tuple[Array, list[Array]]:
    """Labels of some train rows, and what the augmentations make of them under several seeds."""
    _, y, found = batches_after(train, experiment)
    return y, [after.numpy() for _, after in found]


def batches_after(train: Subset, experiment: Experiment) -> tuple[Any, Array, list[tuple[Any, Any]]]:
    """Inputs and labels of some train rows, and the batches that the augmentations make of them."""
    import torch

    from receipts.data.batches import augmented, tensors

    steps = [build(spec, "augment") for spec in experiment.config.augment]
    n = min(len(train), BATCH)
    cpu = torch.device("cpu")
    inputs = train.inputs.read(range(n)) if isinstance(train.inputs, Items) else first(train.inputs, n)
    y = torch.as_tensor(
        np.array(train.targets[:n], dtype=np.int64 if has_classes(experiment.config.task) else np.float32)
    )
    found = []
    for seed in range(TRIES):
        with aside(seed):
            found.append(augmented(steps, tensors(inputs, cpu), y.clone(), (seed, 0, 0, 0)))
    return inputs, y.numpy(), found


def first(inputs: Any, n: int) -> Any:
    """Copies of the first n rows."""
    return {key: part[:n].copy() for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[:n].copy()


def renaming(before: Array, after: Array) -> dict[int, int]:
    """The rule by which every label was exchanged for another; empty where there is none, or none was."""
    if after.shape != before.shape or after.dtype.kind not in "iu" or (before == after).all():
        return {}
    rule = {int(label): np.unique(after[before == label]) for label in np.unique(before)}
    return {label: int(to[0]) for label, to in rule.items()} if all(len(to) == 1 for to in rule.values()) else {}
