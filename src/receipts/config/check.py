"""Checks of a composed experiment that need nothing heavy: what must be stated, and what is probably a mistake."""

import math
from dataclasses import fields
from typing import Any

from omegaconf import MISSING

from receipts.config.build import calls, check_calls
from receipts.config.schema import Config, Fit
from receipts.refusal import Refusal, nearest

METRICS = {  # the harness's own names, which a test holds against its table
    "classification": ("accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "nll", "brier", "ece", "auroc"),
    "regression": ("mae", "rmse", "r2", "spearman"),
}
DETERMINISTIC = (True, False, "warn")
PRECISIONS = ("32-true", "64-true", "16-true", "bf16-true", "16-mixed", "bf16-mixed")  # of those Lightning knows
ESTIMATOR_KEYS = ("threads",)


def validate(config: Config) -> list[str]:
    """Refuse what cannot be meant; return a warning for everything technically valid but probably wrong."""
    refuse_missing(config)
    refuse_impossible(config)
    refuse_metrics(config)
    for key in ("model", "data", "transforms", "augment"):
        check_calls(key, getattr(config, key))
    check_calls("fit.callbacks", config.fit.callbacks)
    if is_estimator(config):
        refuse_fit_of_estimator(config)
    return warnings(config)


def refuse_missing(config: Config) -> None:
    """Values without which no run means anything."""
    needed: dict[str, Any] = {
        "seed": config.seed,
        "model": config.model,
        "data": config.data,
        "split.rule": config.split.rule,
        "split.shares": config.split.shares,
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
            f"this harness knows {' and '.join(METRICS)}; a task it does not know would be mis-scored",
            "declare one of them; ranking, detection, multi-label and free text need a metric of their own",
        )
    if task.kind == "classification" and task.classes is None:
        raise Refusal(
            "task.classes is not stated", "probabilities have one column per class", "state it in the data file"
        )
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
    if config.trainer.accelerator not in ("auto", "cpu", "gpu"):
        raise Refusal(f"trainer.accelerator is {config.trainer.accelerator!r}", "it is auto, cpu or gpu", "correct it")
    if config.trainer.processes != 1:
        raise Refusal("trainer.processes is not 1", "this version trains in one process", "trainer.processes=1")


def refuse_metrics(config: Config) -> None:
    """Selection by anything but the harness's own numbers on val."""
    known = METRICS[config.task.kind]
    for key, name in (("task.primary", config.task.primary), ("fit.select.metric", config.fit.select.metric)):
        if name not in known:
            raise Refusal(
                f"{key} is {name!r}, which is no metric of the harness{nearest(name, known)}",
                f"for {config.task.kind} it computes {', '.join(known)}; a value that a module logs can be neither",
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
    return str(config.model["_target_"]).startswith("sklearn.")


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
            "an estimator is fitted in one call; only fit.threads applies to it",
            f"take {keys} out, or the preset that sets it",
        )
    for key in ("augment",):
        if getattr(config, key):
            raise Refusal(f"{key} means nothing to an estimator", "it has no batches", f"take {key} out")


def warnings(config: Config) -> list[str]:
    """What is technically valid and probably wrong, one sentence each."""
    found = []
    fit = config.fit
    if fit.epochs == 0:
        found.append("fit.epochs is 0: the model is scored as it was initialised")
    if not config.purpose:
        found.append("purpose is empty: say in one sentence what this run is to find out")
    total = sum(config.split.shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
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
