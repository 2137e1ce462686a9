"""What draws while batches are made: augmentations that rename labels, workers that all draw the same."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.config.build import build
from receipts.config.compose import Experiment
from receipts.data.items import Items
from receipts.data.ownloader import OwnLoader, untouched
from receipts.data.sealed import Subset
from receipts.guards.data.looking import has_classes
from receipts.provenance.determinism import aside, held
from receipts.provenance.streams import globals_now, state_of
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

BATCH, TRIES = 256, 4


def audit(train: Subset, experiment: Experiment) -> Iterator[Check]:
    """A verdict for whatever draws."""
    yield not_applicable("reseeds-while-reading", "samples are read apart from what training draws")
    name = "augment-keeps-labels"
    if not experiment.config.augment or not has_classes(experiment.config.task):
        yield not_applicable(name, "nothing is augmented, or labels are no classes")
    else:
        yield keeps_labels(train, experiment)


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


def labels_after(train: Subset, experiment: Experiment) -> tuple[Array, list[Array]]:
    """Labels of some train rows, and what the augmentations make of them under several seeds."""
    import torch

    from receipts.data.batches import augmented, tensors

    steps = [build(spec, "augment") for spec in experiment.config.augment]
    n = min(len(train), BATCH)
    cpu = torch.device("cpu")
    inputs = train.inputs.read(range(n)) if isinstance(train.inputs, Items) else first(train.inputs, n)
    y = torch.as_tensor(np.array(train.targets[:n], dtype=np.int64))
    found = []
    for seed in range(TRIES):
        with aside(seed):
            _, after = augmented(steps, tensors(inputs, cpu), y.clone(), (seed, 0, 0, 0))
        found.append(after.numpy())
    return y.numpy(), found


def first(inputs: Any, n: int) -> Any:
    """Copies of the first n rows."""
    return {key: part[:n].copy() for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[:n].copy()


def renaming(before: Array, after: Array) -> dict[int, int]:
    """The rule by which every label was exchanged for another; empty where there is none, or none was."""
    if after.shape != before.shape or after.dtype.kind not in "iu" or (before == after).all():
        return {}
    rule = {int(label): np.unique(after[before == label]) for label in np.unique(before)}
    return {label: int(to[0]) for label, to in rule.items()} if all(len(to) == 1 for to in rule.values()) else {}


def of_loader(loader: OwnLoader) -> Iterator[Check]:
    """A verdict for whatever draws behind a loader of somebody's own."""
    yield workers(loader.source)
    yield not_applicable("augment-keeps-labels", "the DataModule augments by itself")
    places = loader.places
    yield reseeds(loader.source.dataset, 0 if places is None else int(places[0]))


def workers(loader: Any) -> Check:
    """Whether the dataset of somebody's own loader draws from a generator that every worker gets a copy of."""
    name, dataset = "workers-draw-alike", loader.dataset
    if not loader.num_workers or loader.worker_init_fn is not None:
        return passed(name, f"{loader.num_workers} workers, seeded by a worker_init_fn of the loader's own")
    generators = held(dataset)
    before = [str(state_of(each)) for each in generators]
    with untouched(dataset), aside(0):
        _ = [dataset[row] for row in range(min(2, len(dataset)))]
        drew = any(str(state_of(each)) != then for each, then in zip(generators, before, strict=True))
    if drew:
        return failed(
            name,
            f"{type(dataset).__qualname__} draws from a generator of its own, and each of {loader.num_workers} workers "
            "starts each epoch with a copy of it",
        )
    return passed(name, f"{loader.num_workers} workers, and reading a sample draws from no generator of the dataset's")


def reseeds(dataset: Any, row: int) -> Check:
    """Whether reading a sample seeds a global generator: what it leaves behind is then the same whatever was before."""
    name, who = "reseeds-while-reading", type(dataset).__qualname__
    with untouched(dataset):
        one, other = (left_behind(dataset, row, seed) for seed in (1, 2))
    streams = [name for name in one if one[name] == other[name]]
    if streams:
        return failed(name, f"reading a sample of {who} seeds {', '.join(streams)}, so every draw after it is the same")
    return passed(name, f"reading a sample of {who} seeds no global generator")


def left_behind(dataset: Any, row: int, seed: int) -> dict[str, str]:
    """Where the global generators stand after a sample was read, begun under some seed."""
    with aside(seed):
        _ = dataset[row]
        return {name: str(state) for name, state in globals_now().items()}
