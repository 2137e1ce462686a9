"""The record of an ablation plan: which arms, which seeds, what differs, and the run behind every cell.

Stored as `runs/plans/<utc>-<conf>-<hash8>/plan.json`, with each cell's resolved config frozen under `cells/`. Plans
point to ordinary runs and hold no numbers; a cell's state and scores are those of its run.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
from filelock import FileLock

from receipts.bounds import read_whole
from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs.files import roomy, writable
from receipts.runs.record import Commit, Digest, Id, Inside

FOLDER, NAME = "plans", "plan.json"
PLANS = RUNS / FOLDER
HALF = ".half-"  # beside the runs: a plan's folder that is being made
SCHEMA = 1

Kind = Literal["ablations", "sweep", "comparison", "folds", "seeds"]


class Arm(msgspec.Struct, forbid_unknown_fields=True):
    """One variant. `difference` maps each key whose resolved value is another to [the reference's, this arm's].

    `follows` maps those keys that only follow another one, by interpolation, to the declared key that they follow.
    The first arm of a plan is its reference: the experiment as its file states it.
    """

    name: str
    conf: str
    overrides: list[str] = []
    difference: dict[str, list[Any]] = {}
    follows: dict[str, str] = {}
    hypothesis: str = ""
    expect: str = ""
    if_null: str = ""
    deterministic: bool = False


class Cell(msgspec.Struct, forbid_unknown_fields=True):
    """One arm under one seed (and one fold): its frozen config, its identity, and the run once there is one.

    `words` are those with which `python train.py` makes the same run; `dataset`, `preset`, `overrides` and `notes`
    say how the config came about, and are frozen with it.
    """

    arm: str
    seed: int
    config: Inside
    identity: Digest
    fold: int | None = None
    run_id: Id | None = None
    words: list[str] = []
    dataset: str = ""
    preset: list[str] = []
    overrides: list[str] = []
    notes: list[str] = []


class Plan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything about one plan. `shared` is what all arms have in common and the caption prints (epochs, steps, …).

    `key` is what a sweep turns. `exploratory` says that nobody declared the arms in a file beforehand.
    """

    schema: int = SCHEMA
    plan_id: Id
    conf: str
    kind: Kind
    key: str = ""
    command: str
    created: str
    commit: Commit
    seeds: list[int]
    folds: int | None = None
    shared: dict[str, Any] = {}
    exploratory: bool = False
    arms: list[Arm]
    cells: list[Cell]

    def __post_init__(self) -> None:
        if unknown := {cell.arm for cell in self.cells} - {arm.name for arm in self.arms}:
            raise ValueError(f"it has cells of {', '.join(sorted(unknown))}, which is none of its arms")


def encode(plan: Plan) -> bytes:
    """The plan as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"


def folder(plan: Plan) -> Path:
    """Where a plan lies."""
    return PLANS / plan.plan_id


@contextmanager
def changing() -> Iterator[None]:
    """Plans are made and changed by one process at a time; what another had half made when it was killed goes."""
    with writable(RUNS), roomy(RUNS), FileLock(RUNS / ".plan.lock"):
        PLANS.mkdir(exist_ok=True)
        for orphan in RUNS.glob(f"{HALF}*"):
            shutil.rmtree(orphan, ignore_errors=True)
        yield


def read(folder: Path) -> Plan:
    """The plan of a folder below `runs/plans`."""
    path = folder / NAME
    try:
        plan = msgspec.json.decode(read_whole(path), type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise Refusal(f"{path} is not a readable plan", str(error), f"move {folder} away; its runs stay") from error
    if plan.plan_id != folder.name:
        raise Refusal(f"{path} is the plan {plan.plan_id}", "a plan lies in the folder of its name", f"move {folder}")
    return plan


def folders(runs: Path = RUNS) -> list[Path]:
    """The folders of all plans beside some runs, oldest first."""
    return [path.parent for path in sorted((runs / FOLDER).glob(f"*/{NAME}"))]


def name(cell: Cell) -> str:
    """A cell as people call it."""
    return f"{cell.arm} seed {cell.seed}" + ("" if cell.fold is None else f" fold {cell.fold}")
