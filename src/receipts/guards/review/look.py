"""`receipts look conf=NAME`: a batch of train and val before and after each transform, for looking at in pairs."""

from pathlib import Path
from typing import Any

import numpy as np

from receipts.config.build import build
from receipts.config.compose import Experiment
from receipts.config.project import RUNS
from receipts.data import manifest
from receipts.data.items import Items
from receipts.data.opening import built
from receipts.data.sealed import SealedData, Subset
from receipts.data.transforms import Transforms, changed
from receipts.guards.review.page import Card, Section, html, picture, told
from receipts.provenance.determinism import aside
from receipts.refusal import Refusal
from receipts.runs.files import write_atomically

ROWS = 8


def look(experiment: Experiment) -> Path:
    """Write the page below runs/, and say where it is. Train and val are opened, test is not."""
    config = experiment.config
    if config.split.rule == "datamodule":
        raise Refusal(
            "the data are a DataModule", "its batches are its own", "look at them in a notebook, or write a dataset"
        )
    _, division = manifest.load(experiment.data)
    data = SealedData(built(config.data, division.access), division, ("train", "val"), config.limit.rows)
    transforms = Transforms([build(spec, "transforms") for spec in config.transforms]).fit(data)
    sections = []
    for name in ("train", "val"):
        sections += stages(data.subset(name), transforms.steps, experiment)
    path = RUNS / f"look-{experiment.conf}.html"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, html(f"{experiment.conf}: {ROWS} samples of train and of val", sections).encode())
    return path


def stages(subset: Subset, steps: list[Any], experiment: Experiment) -> list[Section]:
    """A few rows of a split as they are stored, after each transform, and after each augmentation of train."""
    at = np.unique(np.linspace(0, len(subset) - 1, min(len(subset), ROWS)).astype(int))
    inputs = subset.inputs
    if isinstance(inputs, Items):
        x = inputs.read(at)
    else:
        x = {key: part[at] for key, part in inputs.items()} if isinstance(inputs, dict) else inputs[at]
    labels = [f"label {np.asarray(subset.targets[row]).tolist()}"[:60] for row in at]
    found = [section(f"{subset.name}, as stored", x, at, subset, labels)]
    for step in steps:
        x = changed(step, x)
        found.append(section(f"{subset.name}, after {type(step).__name__}", x, at, subset, labels))
    if subset.name == "train" and experiment.config.augment:
        x, labels = augmented(x, np.asarray(subset.targets)[at], experiment)
        found.append(section("train, augmented", x, at, subset, labels))
    return found


def augmented(x: Any, y: Any, experiment: Experiment) -> tuple[Any, list[str]]:
    """A batch after all augmentations, with what became of its labels."""
    import torch

    from receipts.data.batches import augmented, tensors

    steps = [build(spec, "augment") for spec in experiment.config.augment]
    whole = experiment.config.task.classes is not None
    with aside(0):
        labels = torch.as_tensor(np.array(y, dtype=np.int64 if whole else np.float32))
        x, after = augmented(steps, tensors(x, torch.device("cpu")), labels, (experiment.config.seed, 0, 0, 0))
    shown = {key: part.numpy() for key, part in x.items()} if isinstance(x, dict) else x.numpy()
    return shown, [f"label {label}"[:60] for label in after.tolist()]


def section(title: str, x: Any, at: Any, subset: Subset, labels: list[str]) -> Section:
    """Samples as cards."""
    cards = []
    for place, (row, label) in enumerate(zip(at, labels, strict=True)):
        sample = {key: part[place] for key, part in x.items()} if isinstance(x, dict) else np.asarray(x[place])
        shown = picture(sample) if isinstance(sample, np.ndarray) and sample.dtype.kind in "biuf" else None
        cards.append(Card(subset.ids[row], [label, told(sample)], shown))
    return Section(title, told(x), cards=cards)
