"""The typed shape of an experiment: what may stand in a YAML file, and nothing else.

Hydra composes into these dataclasses, so an unknown key is refused wherever it comes from. `model` and `data`
are constructor calls (open dictionaries); their arguments are checked against signatures in `build`.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class Split:
    """How a dataset is divided. `shares` are fractions of the samples, by split name; `division` has the rules.

    `seed` is the rule's own, for rules that draw; fold number `fold` of `folds` is test under the rule `folds`.
    `near_duplicate` is the tolerance for nearly equal samples on two sides: a fraction of the distance to the sixth
    neighbour; null is 0.25.
    """

    rule: str = "entity"
    shares: dict[str, float] = field(default_factory=dict)
    seed: int | None = None
    folds: int | None = None
    fold: int | None = None
    near_duplicate: float | None = None


@dataclass
class Task:
    """What is asked of the predictions. `margin` is the smallest difference worth a sentence.

    Labels are stored raw, once; `view` says how they are scored: `class`, `ordinal` or `value`; null is the kind's own.
    """

    kind: str = MISSING
    classes: int | None = None
    primary: str = MISSING
    margin: float | None = None
    view: str | None = None


@dataclass
class OwnMetric:
    """A researcher's metric: a pure function over arrays in src/lab, and a worked example that must pass first.

    `range` is [lowest, highest], null where there is no bound. `example` holds the function's arguments and the
    `value` it makes of them. `second_of` names the harness's metric that it computes once more.
    """

    function: str = ""
    better: str = ""
    range: list[float | None] = field(default_factory=list)
    example: dict[str, Any] = field(default_factory=dict)
    second_of: str | None = None

    @property
    def name(self) -> str:
        """What it is called in scores: the function's own name."""
        return self.function.rpartition(".")[2]


@dataclass
class Select:
    """Which epoch is kept: the best by `metric` on val; `patience` epochs without a better one end training."""

    metric: str = "${task.primary}"
    patience: int | None = None


@dataclass
class Fit:
    """Whatever moves a number while fitting. Estimators take `threads` and `train_fraction` only.

    `train_fraction` is the part of the train split that is learnt from: the same rows whatever the seed, those of a
    smaller part among those of a larger one; val and test stay whole.
    `batch_size` is over all processes. `validate_every` is in epochs: 1 after each, 0.5 twice in each, 2 after every
    second one. `max_minutes` ends training at a checkpoint. `init_from` names the run whose weights come first; in the
    config of a run it is `{run, identity, weights}`, so that a name like `latest` can't come to mean another one.
    """

    epochs: int | None = None
    batch_size: int | None = None
    threads: int = 1
    train_fraction: float = 1.0
    precision: str = "32-true"
    deterministic: Any = True
    accumulate: int = 1
    clip_norm: float | None = None
    validate_every: float = 1.0
    max_minutes: float | None = None
    init_from: Any = None
    select: Select = field(default_factory=Select)
    callbacks: list[dict[str, Any]] = field(default_factory=list)


INVARIANCES = ("mirrored", "upside-down", "turned")  # changes of an image that augmentation is seen to make
AVERAGED = ("scored", "raw")


@dataclass
class Facts:
    """What only the author can know, declared once more so that it can be checked.

    `rung` makes of a run a `floor` or a `linear` baseline that others are compared with; scikit-learn's own are known.
    `frozen` names parameters that are not to learn, by name, beginning (`backbone`) or pattern (`*.bias`);
    `random_predictions` and `partial_schedule` say that predictions are to draw and a schedule is to be cut short.
    `ceiling` is the best value of the primary metric that the problem allows, `chance` the one of somebody who guesses.
    `invariances` are the changes of an image that leave its label true (`INVARIANCES`); null is not declared.
    `ema` says of an experiment that averages weights whether the average is `scored`, or the `raw` ones are.
    """

    deterministic: bool = False
    rung: str | None = None
    frozen: list[str] = field(default_factory=list)
    random_predictions: bool = False
    partial_schedule: bool = False
    ceiling: float | None = None
    chance: float | None = None
    invariances: list[str] | None = None
    ema: str | None = None


@dataclass
class Ablation:
    """One declared change of the experiment, why it is tried and what is expected of it."""

    override: list[str] = MISSING
    hypothesis: str = MISSING
    expect: str = MISSING
    if_null: str = ""


@dataclass
class Limit:
    """Caps on what is used. A run under a limit is for looking, never for a paper."""

    rows: int | None = None
    epochs: int | None = None


@dataclass
class Limits:
    """What may be spent: `hours` on a run, and on a whole plan of runs.

    `silence_minutes` without a step, and the stacks of all threads are logged. `save_seconds` of training are the most
    that an interruption costs, but for a save that takes long itself.
    """

    hours: float | None = None
    save_seconds: float = 30.0
    silence_minutes: float = 5.0


@dataclass
class Trainer:
    """Hardware only: nothing here is meant to move a number.

    `processes` train together on each of `nodes` machines; on more than one, torchrun or srun starts them.
    `workers` are the processes that read a dataset with `__getitem__`; 0 reads in the process that trains. `${gpus:}`
    is how many GPUs this process may use.
    """

    accelerator: str = "auto"
    processes: int = 1
    nodes: int = 1
    workers: int = 0

    @property
    def world(self) -> int:
        """How many processes train together, on all machines."""
        return self.processes * self.nodes


@dataclass
class Config:
    """One experiment, whole. The switches at the end belong to a launch, not to the experiment."""

    purpose: str = ""
    seed: int = MISSING
    model: dict[str, Any] = MISSING
    data: dict[str, Any] = MISSING
    split: Split = field(default_factory=Split)
    task: Task = field(default_factory=Task)
    fit: Fit = field(default_factory=Fit)
    transforms: list[dict[str, Any]] = field(default_factory=list)
    augment: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[OwnMetric] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    ablations: dict[str, Ablation] = field(default_factory=dict)
    waive: dict[str, str] = field(default_factory=dict)
    limit: Limit = field(default_factory=Limit)
    limits: Limits = field(default_factory=Limits)
    trainer: Trainer = field(default_factory=Trainer)
    rerun: bool = False
    retry: bool = False
    resume: str | None = None
    wait: bool = False
    allow_dirty: bool = False
    sentinels: bool = True
    on_end: str | None = None

    @property
    def limited(self) -> bool:
        """Whether anything is capped: such a run is a look, and what `full` demands is not asked of it."""
        return self.limit.rows is not None or self.limit.epochs is not None


SWITCHES = ("rerun", "retry", "resume", "wait", "allow_dirty", "sentinels", "on_end")
NO_NUMBER = ("trainer", "purpose", "ablations", "limits", "waive", *SWITCHES)  # what can move none, but for `processes`
