"""Checks of a composed experiment that need nothing heavy: what must be stated, and what is probably a mistake."""

import math
from dataclasses import fields
from typing import Any

from omegaconf import MISSING

from receipts.config import division, own, rungs
from receipts.config.build import calls, check_calls
from receipts.config.place import place, refuse_misplaced
from receipts.config.schema import AVERAGED, INVARIANCES, Config, Fit, Task
from receipts.refusal import Refusal, nearest

METRICS = {  # the harness's own names, which a test holds against its table
    "classification": ("accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "nll", "brier", "ece", "auroc"),
    "ordinal": ("mae", "qwk", "spearman", "accuracy"),
    "regression": ("mae", "rmse", "r2", "spearman"),
}
VIEWS = {  # how labels of a kind may be scored, and by whose metrics; the first is its own; held by the same test
    "classification": {"class": "classification"},
    "ordinal": {"ordinal": "ordinal", "class": "classification", "value": "regression"},
    "regression": {"value": "regression"},
}
DETERMINISTIC = (True, False, "warn")
PRECISIONS = ("32-true", "64-true", "16-true", "bf16-true", "16-mixed", "bf16-mixed")  # of those Lightning knows
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


def refuse_impossible(config: Config) -> None:
    """Values outside their range."""
    fit, task = config.fit, config.task
    whole = {
        "fit.epochs": (fit.epochs, 0),
        "fit.batch_size": (fit.batch_size, 1),
        "fit.threads": (fit.threads, 1),
        "fit.accumulate": (fit.accumulate, 1),
        "fit.select.patience": (fit.select.patience, 1),
        "trainer.workers": (config.trainer.workers, 0),
        "trainer.processes": (config.trainer.processes, 0),
        "trainer.nodes": (config.trainer.nodes, 1),
        "limit.rows": (config.limit.rows, 1),
        "limit.epochs": (config.limit.epochs, 1),
        "task.classes": (task.classes, 2),
        "seed": (config.seed, 0),
    }
    for key, (value, least) in whole.items():
        if value is not None and value < least:
            raise Refusal(f"{key} is {value}", f"the least that makes sense is {least}", f"correct {key}")
    if task.kind not in METRICS:
        raise Refusal(
            f"there is no task kind {task.kind!r}",
            f"this harness knows {', '.join(METRICS)}; a task it does not know would be mis-scored",
            "declare one of them; ranking, detection, multi-label and free text need a metric of their own over the "
            "stored arrays: receipts.load(RUN).predictions('val')",
        )
    if task.view is not None and task.view not in VIEWS[task.kind]:
        raise Refusal(
            f"task.view is {task.view!r}, and labels of a {task.kind} task cannot be scored as that",
            f"they can be seen as {' or '.join(VIEWS[task.kind])}; only ordered classes have several views",
            f"task.view: {next(iter(VIEWS[task.kind]))}, or task.kind: ordinal where the classes are in order",
        )
    if task.kind != "regression" and task.classes is None:
        raise Refusal(
            "task.classes is not stated", "probabilities have one column per class", "state it in the data file"
        )
    if not (fit.init_from is None or isinstance(fit.init_from, str) or is_origin(fit.init_from)):
        raise Refusal(
            f"fit.init_from is {fit.init_from!r}", "it names a run", "fit.init_from=latest:CONF      (or a run id)"
        )
    if not 0 < fit.train_fraction <= 1:
        raise Refusal(
            f"fit.train_fraction is {fit.train_fraction:g}",
            "it is the part of the train rows that is learnt from",
            "a number above 0 and at most 1, for example fit.train_fraction=0.5",
        )
    if fit.max_minutes is not None and fit.max_minutes <= 0:
        raise Refusal(f"fit.max_minutes is {fit.max_minutes:g}", "training needs time", "correct fit.max_minutes")
    for key, limit in (("hours", config.limits.hours), ("silence_minutes", config.limits.silence_minutes)):
        if limit is not None and limit <= 0:
            raise Refusal(f"limits.{key} is {limit:g}", "nothing can be done in no time", f"correct limits.{key}")
    if fit.deterministic not in DETERMINISTIC:
        raise Refusal(f"fit.deterministic is {fit.deterministic!r}", "it is true, warn or false", "correct it")
    if fit.precision not in PRECISIONS:
        raise Refusal(f"fit.precision is {fit.precision!r}", f"it is one of {', '.join(PRECISIONS)}", "correct it")
    if fit.validate_every <= 0 or (fit.validate_every > 1 and fit.validate_every % 1):
        raise Refusal(
            f"fit.validate_every is {fit.validate_every}",
            "it counts epochs: a whole number, or a part of one",
            "correct it",
        )
    if unknown := [word for word in config.facts.invariances or [] if word not in INVARIANCES]:
        raise Refusal(
            f"facts.invariances names {unknown[0]!r}{nearest(unknown[0], list(INVARIANCES))}",
            f"what augmentation is seen to do is {', '.join(INVARIANCES)}",
            "correct it, or take it out",
        )
    if config.facts.ema not in (None, *AVERAGED):
        raise Refusal(
            f"facts.ema is {config.facts.ema!r}", f"it is {' or '.join(AVERAGED)}", "correct it, or take it out"
        )
    if config.facts.rung not in (None, *rungs.RUNGS):
        raise Refusal(
            f"facts.rung is {config.facts.rung!r}", f"it is {' or '.join(rungs.RUNGS)}", "correct it, or take it out"
        )
    if config.trainer.accelerator not in ("auto", "cpu", "gpu"):
        raise Refusal(f"trainer.accelerator is {config.trainer.accelerator!r}", "it is auto, cpu or gpu", "correct it")


def is_origin(value: Any) -> bool:
    """Whether `fit.init_from` is what the config of a run holds: run, identity and weights."""
    return isinstance(value, dict) and set(value) == {"run", "identity", "weights"}


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


def scored_as(task: Task) -> str:
    """Whose metrics answer the task: its view's, or its own kind's."""
    views = VIEWS[task.kind]
    return views[task.view or next(iter(views))]


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


def warnings(config: Config) -> list[str]:
    """What is technically valid and probably wrong, one sentence each."""
    found = []
    fit = config.fit
    if fit.epochs == 0:
        found.append("fit.epochs is 0: the model is scored as it was initialised")
    if not config.purpose:
        found.append("purpose is empty: say in one sentence what this run is to find out")
    total = sum(config.split.shares.values())
    if config.split.shares and not math.isclose(total, 1, abs_tol=1e-6):
        found.append(f"split.shares add up to {total:g}: the rest of the data is used nowhere")
    if fit.select.patience and fit.epochs and fit.select.patience >= fit.epochs:
        found.append(f"fit.select.patience {fit.select.patience} can never end a training of {fit.epochs} epochs")
    for key, node in calls("model", config.model):
        found += suspicious(key, node, fit)
    return found


def suspicious(key: str, node: dict[str, Any], fit: Fit) -> list[str]:
    """Arguments whose names say what they are and whose values are hardly meant."""
    numbers = {
        name: value for name, value in node.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
    found = []
    for name, value in numbers.items():
        if name in ("lr", "learning_rate", "max_lr") and value >= 1:
            found.append(f"{key}.{name} is {value:g}: learning rates of 1 and more rarely converge")
        if name in ("lr", "learning_rate", "max_lr") and value == 0:
            found.append(f"{key}.{name} is 0: nothing will be learnt")
        if "dropout" in name and value >= 0.9:
            found.append(f"{key}.{name} is {value:g}: hardly anything gets through")
        if "warmup" in name and "epoch" in name and fit.epochs and value >= fit.epochs:
            found.append(f"{key}.{name} is {value:g}, the training {fit.epochs} epochs: it never leaves its warm-up")
        if name in ("weight_decay",) and value >= 1:
            found.append(f"{key}.{name} is {value:g}: the weights will be pulled to zero")
    return found
