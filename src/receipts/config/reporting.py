"""`conf/scripts/report.yaml`: which numbers a paper prints."""

import math
import re
from collections.abc import Iterator

import msgspec
from omegaconf import OmegaConf

from receipts.config import project
from receipts.config.files import load_yaml
from receipts.refusal import Refusal, nearest

PATH = project.CONF / "scripts" / "report.yaml"
MOST_LOOKS = 10_000
OVER_TASKS = ("score", "iqm", "rank")  # columns of a table over tasks besides the tasks

Fault = tuple[str, str, str]  # what, why, fix


class PlanOf(msgspec.Struct, forbid_unknown_fields=True):
    """Rows that are the arms of an experiment's latest plan of one kind; `key` is the one that a sweep turns."""

    ablations_of: str | None = None
    sweep_of: str | None = None
    comparison_of: str | None = None
    folds_of: str | None = None
    key: str = ""

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The kinds of plan that are asked for, each with its experiment; exactly one is meant."""
        kinds = ("ablations", "sweep", "comparison", "folds")
        confs = (self.ablations_of, self.sweep_of, self.comparison_of, self.folds_of)
        return [(kind, conf) for kind, conf in zip(kinds, confs, strict=True) if conf is not None]


class TableAsked(msgspec.Struct, forbid_unknown_fields=True):
    """One table. `against` is the row that all others are compared with; an ablation has its reference already.

    Without `columns` it has the primary metric, without `split` the file's.

    Instead of rows a table over several tasks has `methods` and, for each task, its experiment of every method, in
    that order. `ends` are what counts as 0 and as 1 on a task; without them that is its floor and its best mean.
    `margin` is the smallest difference of normalised scores worth a sentence.
    """

    rows: list[str] | PlanOf = []
    caption: str = ""
    columns: list[str] = []
    against: str | None = None
    split: str | None = None
    methods: list[str] = []
    tasks: dict[str, list[str]] = {}
    ends: dict[str, tuple[float, float]] = {}
    margin: float | None = None


class Selection(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file. `looks` is how often the numbers are looked at before the last run: α is divided by it.

    Without `tables` there is one for each dataset and plan, without `figures` every figure that the runs give.
    """

    split: str = "test"
    tables: dict[str, TableAsked] = {}
    figures: list[str] | None = None
    looks: int = 1


def load() -> Selection:
    """What the file asks for; an empty selection, which means the sensible default, where there is none."""
    if not PATH.is_file():
        return Selection()
    try:
        found = msgspec.convert(OmegaConf.to_container(load_yaml(PATH)), Selection)
    except msgspec.ValidationError as error:
        raise wrong(
            f"it cannot be read as a selection of numbers: {error}",
            "it holds split, tables, figures and looks; a table holds rows, columns, caption, against and split, or "
            "methods and tasks, ends, margin, caption, against and split",
            "correct it; docs and the file that the template ships show the form",
        ) from error
    if not 1 <= found.looks <= MOST_LOOKS:
        raise wrong(f"looks is no number from 1 to {MOST_LOOKS}", "α is divided by it", "looks: 1")
    for name, table in found.tables.items():
        check(name, table)
    return found


def check(name: str, table: TableAsked) -> None:
    """Refuse a table whose name or rows cannot be meant."""
    if not re.fullmatch(r"[\w-]+", name):
        raise wrong(f"table {name!r} has a name that cannot be part of a key", "keys are table.row.column", "rename it")
    if table.tasks or table.methods:
        for fault in faults(name, table):
            raise wrong(*fault)
        return
    if table.ends or table.margin is not None:
        raise wrong(f"tables.{name} states ends or margin", "they belong to a table over tasks", "take them out")
    rows = table.rows
    if isinstance(rows, PlanOf):
        if len(rows.asked) != 1 or (rows.key and rows.sweep_of is None):
            raise wrong(
                f"tables.{name}.rows does not name one plan",
                "it is one of ablations_of, sweep_of, comparison_of and folds_of; `key` goes with sweep_of",
                "rows: {ablations_of: baseline}, or rows: {sweep_of: baseline, key: model.lr}",
            )
        return
    named = [row for row in rows if row.strip()]
    if not named or len(set(rows)) < len(rows) or len(named) < len(rows):
        raise wrong(
            f"tables.{name}.rows names {'one row twice' if len(set(rows)) < len(rows) else 'no row'}",
            f"it lists {', '.join(map(repr, rows)) or 'nothing'}",
            "name every row once",
        )
    if table.against is not None and table.against not in rows:
        raise wrong(
            f"tables.{name}.against is {table.against!r}, which is no row of that table",
            f"its rows are {', '.join(rows)}",
            "against: one of them",
        )


def faults(name: str, table: TableAsked) -> Iterator[Fault]:
    """What leaves open which experiment is which method on which task: what, why, fix."""
    methods, tasks, where = table.methods, table.tasks, f"tables.{name}"
    if table.rows or table.columns:
        yield f"{where} has tasks beside rows or columns", "its columns are the tasks", "take rows and columns out"
    if len(methods) < 2 or len(tasks) < 2:
        told = f"it lists {len(methods)} methods and {len(tasks)} tasks"
        yield f"{where} is no table over several tasks", told, "methods: [linear, network], tasks: {digits: [a, b], …}"
    for part in (*methods, *tasks):
        if part in OVER_TASKS or not re.fullmatch(r"[\w-]+", part):
            why = f"keys are table.method.task, and {', '.join(OVER_TASKS)} are columns of every such table"
            yield f"{where} has {part!r}, which cannot be part of a key", why, "rename it"
    for task, experiments in tasks.items():
        if len(experiments) != len(methods):
            what = f"{where}.tasks.{task} lists {len(experiments)} experiments for {len(methods)} methods"
            why = f"methods: {', '.join(methods)}; {task}: {', '.join(experiments) or 'none'}"
            yield what, why, "name one experiment for each method, in the order of `methods`"
    for what, listed in {"methods": methods, **{f"tasks.{task}": one for task, one in tasks.items()}}.items():
        if len(set(listed)) < len(listed):
            yield f"{where}.{what} names one twice", f"it lists {', '.join(listed)}", "name every one once"
    if table.against is not None and table.against not in methods:
        what = f"{where}.against is {table.against!r}, which is no method of that table"
        yield what, f"its methods are {', '.join(methods)}", "against: one of them"
    yield from faults_of_scale(where, table)


def faults_of_scale(where: str, table: TableAsked) -> Iterator[Fault]:
    """A scale of no length, or of a task that the table does not have, and a margin that is none."""
    for task, (low, high) in table.ends.items():
        if task not in table.tasks:
            what = f"{where}.ends names {task!r}, which is no task of it{nearest(task, list(table.tasks))}"
            yield what, f"its tasks are {', '.join(table.tasks)}", "correct the name"
        if not (math.isfinite(low) and math.isfinite(high)) or low == high:
            why = "what counts as 0 and what counts as 1 are two different numbers"
            yield f"{where}.ends.{task} is [{low:g}, {high:g}]", why, "ends: {digits: [0.1, 1.0]}"
    if table.margin is not None and not 0 < table.margin < math.inf:
        yield f"{where}.margin is {table.margin:g}", "a difference worth a sentence is more than 0", "margin: 0.02"


def wrong(what: str, why: str, fix: str) -> Refusal:
    """A refusal that says which file it is about."""
    return Refusal(f"{PATH}: {what}", why, fix)
