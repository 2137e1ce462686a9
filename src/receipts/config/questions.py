"""What the scripts beside train.py are asked: the typed shape of their command lines."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


@dataclass
class Evaluation:
    """What eval.py is asked: which run (an id, its beginning, `latest`, `latest:CONF`) and which split.

    `processes` predict together: the file is the same, to the last bit, as that of one.
    """

    run_id: str = MISSING
    split: str = "test"
    processes: int = 1


@dataclass
class Ablating:
    """What ablate.py is asked: which arms, over how many seeds or folds, and how to run their cells.

    Arms are those of `override` (each element one factor), of one key's values (`sweep: KEY=[v1,v2]`), of several
    experiments (`conf: [a, b]`), or of the experiment's own `ablations:`. `words` are all other words of the command
    line: changes of the experiment that every arm shares. `slurm` are parameters for sbatch.
    """

    conf: list[str] = field(default_factory=list)
    override: list[str] = field(default_factory=list)
    sweep: str = ""
    seeds: int | None = None
    folds: int | None = None
    test: bool = False
    retry: bool = False
    dry_run: bool = False
    launcher: str = "local"
    workers: int | None = None
    slurm: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


@dataclass
class Reporting:
    """What report.py is asked; which numbers it prints stands in conf/scripts/report.yaml.

    `source` is `runs` or `mlflow`; `check` recomputes everything and writes nothing; `tex` is a paper whose numbers are
    looked up; `allow` maps what would be refused to the reason that is printed with it; `folder` is written anew.
    """

    check: bool = False
    tex: str | None = None
    source: str = "runs"
    allow: dict[str, str] = field(default_factory=dict)
    anonymous: bool = False
    folder: str = "report"
    hourly_rate: float | None = None


@dataclass
class Gauntlet:
    """What gauntlet.py is asked; by default about the top methods of every table that report.py prints.

    `conf` names experiments instead. `only` are the checks to make, `skip` maps others to the reason that is printed.
    `budget` is a time such as 20m: the most telling checks come first, the rest is not run. `env` is `lock` (a rerun
    makes a new environment) or `current`. `again` repeats checks that are on record. `folder` is the report's.
    """

    conf: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    skip: dict[str, Any] = field(default_factory=dict)
    budget: str = ""
    env: str = "lock"
    again: bool = False
    allow: dict[str, str] = field(default_factory=dict)
    folder: str = "report"
