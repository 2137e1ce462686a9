"""Values that nothing can be made of, refused by the name of their key."""

from typing import Any

from receipts.config import rungs
from receipts.config.kinds import METRICS, VIEWS
from receipts.config.schema import AVERAGED, INVARIANCES, Config, Facts, Fit, Task
from receipts.refusal import Refusal, nearest

DETERMINISTIC = (True, False, "warn")
PRECISIONS = ("32-true", "64-true", "16-true", "bf16-true", "16-mixed", "bf16-mixed")  # of those Lightning knows
ACCELERATORS = ("auto", "cpu", "gpu")


def refuse_impossible(config: Config) -> None:
    """Values outside their range, or of no known name."""
    refuse_counts(config)
    refuse_task(config.task)
    refuse_fit(config.fit)
    refuse_facts(config.facts)
    for key, limit in (("hours", config.limits.hours), ("silence_minutes", config.limits.silence_minutes)):
        if limit is not None and limit <= 0:
            raise Refusal(f"limits.{key} is {limit:g}", "nothing can be done in no time", f"correct limits.{key}")
    refuse_unlisted("trainer.accelerator", config.trainer.accelerator, ACCELERATORS)


def refuse_counts(config: Config) -> None:
    """Whole numbers that are too small."""
    fit, trainer = config.fit, config.trainer
    whole = {
        "fit.epochs": (fit.epochs, 0),
        "fit.batch_size": (fit.batch_size, 1),
        "fit.threads": (fit.threads, 1),
        "fit.accumulate": (fit.accumulate, 1),
        "fit.select.patience": (fit.select.patience, 1),
        "trainer.workers": (trainer.workers, 0),
        "trainer.processes": (trainer.processes, 0),
        "trainer.nodes": (trainer.nodes, 1),
        "limit.rows": (config.limit.rows, 1),
        "limit.epochs": (config.limit.epochs, 1),
        "task.classes": (config.task.classes, 2),
        "seed": (config.seed, 0),
    }
    for key, (value, least) in whole.items():
        if value is not None and value < least:
            raise Refusal(f"{key} is {value}", f"the least that makes sense is {least}", f"correct {key}")


def refuse_task(task: Task) -> None:
    """Tasks that the harness cannot score."""
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


def refuse_fit(fit: Fit) -> None:
    """Settings of training that mean nothing."""
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
    if fit.validate_every <= 0 or (fit.validate_every > 1 and fit.validate_every % 1):
        raise Refusal(
            f"fit.validate_every is {fit.validate_every}",
            "it counts epochs: a whole number, or a part of one",
            "correct it",
        )
    refuse_unlisted("fit.deterministic", fit.deterministic, DETERMINISTIC)
    refuse_unlisted("fit.precision", fit.precision, PRECISIONS)


def is_origin(value: Any) -> bool:
    """Whether `fit.init_from` is what the config of a run holds: run, identity and weights."""
    return isinstance(value, dict) and set(value) == {"run", "identity", "weights"}


def refuse_facts(facts: Facts) -> None:
    """Facts in words that no check knows."""
    if unknown := [word for word in facts.invariances or [] if word not in INVARIANCES]:
        raise Refusal(
            f"facts.invariances names {unknown[0]!r}{nearest(unknown[0], list(INVARIANCES))}",
            f"what augmentation is seen to do is {', '.join(INVARIANCES)}",
            "correct it, or take it out",
        )
    refuse_unlisted("facts.ema", facts.ema, (None, *AVERAGED))
    refuse_unlisted("facts.rung", facts.rung, (None, *rungs.RUNGS))


def refuse_unlisted(key: str, value: Any, known: tuple[Any, ...]) -> None:
    """A value that is none of those there are; None among them means that the key may be left out."""
    if value not in known:
        told = " or ".join(str(each).lower() if isinstance(each, bool) else each for each in known if each is not None)
        raise Refusal(
            f"{key} is {value!r}", f"it is {told}", "correct it, or take it out" if None in known else "correct it"
        )
