"""Checks of a composed experiment that need nothing heavy: what must be stated, and what excludes what."""

from dataclasses import fields
from typing import Any

from omegaconf import MISSING

from receipts.config import division, own
from receipts.config.build import check_calls
from receipts.config.doubts import warnings
from receipts.config.kinds import METRICS, scored_as
from receipts.config.place import place, refuse_misplaced
from receipts.config.ranges import refuse_impossible
from receipts.config.schema import Config, Fit
from receipts.refusal import Refusal, nearest

ESTIMATOR_KEYS = ("threads", "train_fraction")


def validate(config: Config) -> list[str]:
    """Refuse what cannot be meant; return a warning for everything technically valid but probably wrong."""
    refuse_missing(config)
    division.check(config.split)
    refuse_impossible(config)
    refuse_metrics(config)
    refuse_purposeless(config)
    own.check(config.metrics, config.task.kind, METRICS[scored_as(config.task)])
    for key in ("model", "data", "transforms", "augment"):
        check_calls(key, getattr(config, key))
    check_calls("fit.callbacks", config.fit.callbacks)
    if is_estimator(config):
        refuse_fit_of_estimator(config)
    refuse_processes(config)
    if config.split.rule == "datamodule":
        refuse_beside_datamodule(config)
    return warnings(config)


def refuse_missing(config: Config) -> None:
    """Values without which no run means anything."""
    needed: dict[str, Any] = {
        "seed": config.seed,
        "model": config.model,
        "data": config.data,
        "task.kind": config.task.kind,
        "task.primary": config.task.primary,
    }
    missing = [key for key, value in needed.items() if value in (None, MISSING, {})]
    missing += [f"{key}._target_" for key in ("model", "data") if "_target_" not in (needed[key] or {})]
    if missing:
        raise Refusal(
            f"the experiment does not state {', '.join(missing)}",
            "these have no default, because each of them moves the numbers",
            "state them in the experiment's YAML, or in the data file it names",
        )


def refuse_processes(config: Config) -> None:
    """Numbers of processes that cannot train this experiment, or would train another one."""
    processes, batch = config.trainer.world, config.fit.batch_size
    if processes == 0:
        raise Refusal(
            "trainer=ddp starts one process on each GPU, and there is none here",
            "nvidia-smi lists no GPU, or CUDA_VISIBLE_DEVICES hides all of them",
            "trainer=ddp_cpu      (two processes on the CPU; or trainer=auto: one)",
        )
    refuse_misplaced(config.trainer.processes, config.trainer.nodes, place())
    if processes == 1:
        return
    if batch and batch % processes:
        near = batch - batch % processes or processes
        raise Refusal(
            f"fit.batch_size is {batch} and does not divide by {processes} processes",
            "it counts the samples of a step over all processes, each of which takes an equal share",
            f"fit.batch_size={near}      (or another number of processes)",
        )
    if config.facts.deterministic:
        raise Refusal(
            f"facts.deterministic is declared, and {processes} processes train",
            "the proof, a second fit under another seed, is made in one process only",
            "trainer=auto",
        )


def refuse_purposeless(config: Config) -> None:
    """An experiment in full that does not say what it is for."""
    if not config.purpose.strip() and not config.limited:
        raise Refusal(
            "purpose is not stated",
            "preset=full makes numbers for others to read, and they are told first what was asked",
            "purpose: one sentence in the experiment's YAML      (or preset=smoke for a look)",
        )


def refuse_metrics(config: Config) -> None:
    """Selection by anything but the harness's own numbers on val."""
    view = scored_as(config.task)
    known = METRICS[view]
    theirs = [metric.name for metric in config.metrics]
    for key, name in (("task.primary", config.task.primary), ("fit.select.metric", config.fit.select.metric)):
        if name in theirs and name not in known:
            raise Refusal(
                f"{key} is {name!r}, a metric of this experiment's own",
                "it stands beside the harness's numbers: no second implementation holds it, and an experiment could "
                "change it together with what it measures",
                f"{key}: {known[0]}, say; {name} is computed, stored and shown all the same",
            )
        if name not in known:
            raise Refusal(
                f"{key} is {name!r}, which is no metric of the harness{nearest(name, known)}",
                f"for {view} it computes {', '.join(known)}; a value that a module logs can be neither",
                f"correct {key}",
            )
    for position, callback in enumerate(config.fit.callbacks):
        monitored = str(callback.get("monitor", ""))
        if monitored.partition("/")[0] == "test" or monitored.startswith("test_"):
            raise Refusal(
                f"fit.callbacks[{position}] monitors {monitored}",
                "whatever selects by the test split has learnt from it",
                f"monitor: val/{config.task.primary}",
            )


def is_estimator(config: Config) -> bool:
    """Whether the model is one of scikit-learn's own classes, judged by its name alone."""
    return str((config.model or {}).get("_target_", "")).startswith("sklearn.")


def refuse_fit_of_estimator(config: Config) -> None:
    """Training settings on a method that has none of them would look as if they had been used."""
    plain, given = Fit(), config.fit
    plain.select.metric = config.task.primary
    stated = [
        f.name for f in fields(Fit) if f.name not in ESTIMATOR_KEYS and getattr(given, f.name) != getattr(plain, f.name)
    ]
    if stated:
        keys = ", ".join(f"fit.{name}" for name in stated)
        raise Refusal(
            f"{keys} means nothing to {config.model['_target_']}",
            "an estimator is fitted in one call; only fit.threads and fit.train_fraction apply to it",
            f"take {keys} out, or the preset that sets it",
        )
    if config.augment:
        raise Refusal("augment means nothing to an estimator", "it has no batches", "take augment out")
    if config.trainer.world > 1:
        raise Refusal(
            f"trainer starts {config.trainer.world} processes, which means nothing to {config.model['_target_']}",
            "an estimator is fitted in one call, in one process",
            "trainer=auto",
        )


def refuse_beside_datamodule(config: Config) -> None:
    """What would change batches that a DataModule makes by itself, and methods that take no batches."""
    stated = {"fit.batch_size": config.fit.batch_size, "transforms": config.transforms, "augment": config.augment}
    if config.fit.train_fraction != 1:
        raise Refusal(
            f"fit.train_fraction is {config.fit.train_fraction:g}, and the data are a DataModule",
            "its rows are known to nobody but itself",
            "give the DataModule an argument of that kind, and state it under data",
        )
    for key, value in stated.items():
        if value:
            raise Refusal(
                f"{key} means nothing to a DataModule",
                "it makes its own batches, of its own size",
                f"take {key} out, or {key}=null where it is inherited; say it among the arguments of data",
            )
    if config.trainer.world > 1:
        raise Refusal(
            f"trainer starts {config.trainer.world} processes, and the data are a DataModule",
            "its batches are its own, and nobody here can share one between processes",
            "trainer=auto",
        )
    if is_estimator(config):
        raise Refusal(
            f"{config.model['_target_']} cannot learn from a DataModule",
            "an estimator is fitted on all rows at once, and a DataModule gives batches",
            "give the core a dataset with ids, inputs and targets",
        )
