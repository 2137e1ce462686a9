"""Inputs as the method will get them: remembered, varied, of a sensible range, alike in train and val."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from receipts.checks.catalogue import failed, not_applicable, not_run, passed
from receipts.config.check import is_estimator
from receipts.config.compose import Experiment
from receipts.config.schema import Split
from receipts.data import golden, twins, views
from receipts.data.manifest import Golden, Manifest
from receipts.data.ownloader import OwnLoader
from receipts.data.sealed import Subset
from receipts.guards.data import feeding, levels, recurring
from receipts.guards.data.looking import Looked
from receipts.runs.record import Check

Array = np.ndarray[Any, Any]

SAME, NEARER = 0.97, 0.25  # correlation of mean images that are one; of what others lack, a changed form's part
FEW = 20  # rows below which a split has no mean to speak of
GREY = (200, 255)  # where the largest of grey values as bytes lies
SCALED = 20.0  # values that a first layer with weights may be given once they are scaled
MOVED, SURE, SPREAD = 0.5, 20.0, 2.0  # a mean that differs by so many deviations of the values, and of its own error;
# a deviation that differs by this factor
DRAWN = 0.1, 8.0, 1.5  # the same where rows were divided at random, so that nothing but chance sets splits apart
FAR = 1e-4  # how far moments may be apart on another machine


def audit(
    looked: Looked | None, manifest: Manifest, train: Subset, experiment: Experiment, module: Any
) -> Iterator[Check]:
    """A verdict for every check of inputs; `module` is the network that will get them, None for another method."""
    yield remembered(manifest, train, experiment)
    if looked is None:
        yield from (not_run(name, "inputs are not one array of numbers") for name in ("inputs-vary", "inputs-alike"))
        yield not_applicable("inputs-in-range", "inputs are not one array of numbers")
        return
    yield vary(looked)
    own = isinstance(train.inputs, OwnLoader)
    yield alike(looked, is_drawn(experiment.config.split), own)
    yield in_range(looked, experiment, module)


def remembered(manifest: Manifest, train: Subset, experiment: Experiment) -> Check:
    """The first train rows against those of the day the split was made."""
    name, then = "golden-batch", manifest.golden
    if then is None:
        return not_run(name, "the manifest remembers none: receipts split NAME, and commit it")
    if then.transforms != experiment.config.transforms:
        return not_applicable(name, "the experiment states other transforms than the data file")
    if experiment.config.limit.rows or experiment.config.fit.train_fraction != 1:
        return not_applicable(name, "transforms are fitted on fewer rows than then")
    now = golden.told(golden.batch(train.inputs), then.transforms)
    if now is None or now.shape != then.shape or not same(now, then):
        return failed(name, f"mean, deviation and shape were {moments(then)} and are {moments(now)}")
    return passed(name, f"the first {now.shape[0]} train rows are those of then: {moments(now)}")


def same(now: Golden, then: Golden) -> bool:
    """Whether two batches are one, to the last bit or, on another machine, nearly."""
    close = max(abs(now.mean - then.mean), abs(now.deviation - then.deviation)) <= FAR * max(then.deviation, 1e-12)
    return now.hash == then.hash or close


def moments(batch: Golden | None) -> str:
    """A batch in one phrase."""
    return "none" if batch is None else f"{batch.mean:.6g}, {batch.deviation:.6g}, {tuple(batch.shape)}"


def vary(looked: Looked) -> Check:
    """Whether samples differ at all."""
    for name, rows in (("train", looked.train), ("val", looked.val)):
        if len(rows.at) > 1 and bool((rows.inputs == rows.inputs[:1]).all()):
            return failed("inputs-vary", f"all {len(rows.at)} {name} samples that were looked at are equal")
    return passed("inputs-vary", f"{len(looked.train.at)} train and {len(looked.val.at)} val samples differ")


def is_drawn(split: Split) -> bool:
    """Whether rows were divided at random one by one, so that no split is of another time or place."""
    return split.rule == "stratified" or (split.rule == "folds" and split.seed is not None)


def alike(looked: Looked, drawn: bool, augmented: bool) -> Check:
    """Whether val lies where train lies: by most columns of a table, by all values of other samples.

    Rows of train that may have been augmented already have other levels than those of val, as interpolation makes them.
    """
    name, table = "inputs-alike", looked.is_table
    train, val = (columns(rows.inputs, table) for rows in (looked.train, looked.val))
    evidence = (
        f"mean {train.mean():.4g} and deviation {train.std():.4g} in train, {val.mean():.4g} and {val.std():.4g} in val"
    )
    if len(looked.val.at) < FEW:
        return passed(name, evidence)
    if differ(looked, train, val, DRAWN if drawn else (MOVED, SURE, SPREAD)) > 0.5:
        return failed(name, evidence)
    both = looked.train.inputs, looked.val.inputs, table
    told = turned(looked) or recurring.moved(*both) or ("" if augmented else levels.apart(*both))
    return failed(name, f"{told}; {evidence}") if told else passed(name, evidence)


def turned(looked: Looked) -> str:
    """Whether the mean image of val is that of train only after it is mirrored or turned; empty where it is not so."""
    axes = twins.grid(looked.shape)
    if axes is None:
        return ""
    mean, other = (rows.inputs.astype(np.float64).mean(0)[None] for rows in (looked.train, looked.val))
    plain = related(mean, other)
    down, right = (axis % mean.ndim for axis in axes)
    square = mean.shape[down] == mean.shape[right]
    forms = [*views.forms(other, axes), *([("transposed", other.swapaxes(down, right))] if square else [])]
    close = {name: related(mean, form) for name, form in forms if name not in ("moved", *views.EVENED[:1])}
    best = max(close, key=lambda name: close[name])
    if plain > SAME or 1 - close[best] > NEARER * (1 - plain):
        return ""
    return f"the mean of val's images is that of train's {best}: correlation {close[best]:.2f}, as they are {plain:.2f}"


def related(one: Array, other: Array) -> float:
    """The correlation of two mean images."""
    flat = one.std() == 0 or other.std() == 0 or one.shape != other.shape
    return 0.0 if flat else float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def differ(looked: Looked, train: Array, val: Array, bounds: tuple[float, float, float]) -> float:
    """The share of columns whose mean or deviation in val is not that of train."""
    apart, sure, factor = bounds
    spread = np.maximum(train.std(0), 1e-12)
    moved = np.abs(train.mean(0) - val.mean(0))
    error = np.sqrt(of_means(looked.train.inputs, looked.is_table) + of_means(looked.val.inputs, looked.is_table))
    ratio = np.maximum(val.std(0), 1e-12) / spread
    shifted = (moved > apart * spread) & (moved > sure * np.maximum(error, 1e-12))
    stretched = (ratio > factor) | (ratio < 1 / factor)
    varied = train.std(0) > 0
    return float(np.mean((shifted | stretched)[varied])) if varied.any() else 0.0


def columns(inputs: Array, table: bool) -> Array:
    """Values as columns of one kind: those of a table, or all of a sample in one."""
    values = inputs.astype(np.float64)
    return values if table else values.reshape(-1, 1)


def of_means(inputs: Array, table: bool) -> Array:
    """The squared error of the mean over samples, column by column."""
    each = inputs.astype(np.float64)
    each = each if table else each.reshape(len(each), -1).mean(1, keepdims=True)
    return np.asarray(each.var(0) / len(each))


def in_range(looked: Looked, experiment: Experiment, module: Any) -> Check:
    """Whether a network is fed grey values as bytes; one that scales them before its first weights may be."""
    name, values = "inputs-in-range", looked.train.inputs
    if is_estimator(experiment.config):
        return not_applicable(name, "no network is trained")
    low, high = float(values.min()), float(values.max())
    seen = f"values from {low:g} to {high:g}"
    bytes_like = low >= 0 and GREY[0] <= high <= GREY[1] and bool((values == np.round(values)).mean() > 0.99)
    if not (bytes_like and (looked.is_image or looked.shape[0] >= 64)):
        return passed(name, seen)
    meal = None if module is None else feeding.first_meal(module, values)
    if meal is None and module is not None:
        return not_run(name, f"{seen}, all whole; nothing tells what arrives at the network's first layer")
    if meal is not None and (meal.takes_any or meal.largest < SCALED):
        return passed(name, f"{seen}; the network's {meal.layer} is given {meal.largest:g} at most, or scales itself")
    return failed(name, f"{seen}, all whole: grey values as bytes")
