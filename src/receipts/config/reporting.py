"""`conf/scripts/report.yaml`: which numbers a paper prints."""

import re

import msgspec
from omegaconf import OmegaConf

from receipts.config import project
from receipts.config.files import load_yaml
from receipts.refusal import Refusal

PATH = project.CONF / "scripts" / "report.yaml"


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
    """

    rows: list[str] | PlanOf
    caption: str = ""
    columns: list[str] = []
    against: str | None = None
    split: str | None = None


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
            "it holds split, tables, figures and looks; a table holds rows, columns, caption, against and split",
            "correct it; docs and the file that the template ships show the form",
        ) from error
    if found.looks < 1:
        raise wrong(f"looks is {found.looks}", "α is divided by it", "looks: 1")
    for name, table in found.tables.items():
        check(name, table)
    return found


def check(name: str, table: TableAsked) -> None:
    """Refuse a table whose name or rows cannot be meant."""
    if not re.fullmatch(r"[\w-]+", name):
        raise wrong(f"table {name!r} has a name that cannot be part of a key", "keys are table.row.column", "rename it")
    rows = table.rows
    if isinstance(rows, PlanOf):
        if len(rows.asked) != 1 or (rows.key and rows.sweep_of is None):
            raise wrong(
                f"tables.{name}.rows does not name one plan",
                "it is one of ablations_of, sweep_of, comparison_of and folds_of; `key` goes with sweep_of",
                "rows: {ablations_of: baseline}, or rows: {sweep_of: baseline, key: model.lr}",
            )
        return
    if not rows or len(set(rows)) < len(rows):
        raise wrong(
            f"tables.{name}.rows names {'one row twice' if rows else 'no row'}",
            f"it lists {', '.join(rows) or 'nothing'}",
            "name every row once",
        )
    if table.against is not None and table.against not in rows:
        raise wrong(
            f"tables.{name}.against is {table.against!r}, which is no row of that table",
            f"its rows are {', '.join(rows)}",
            "against: one of them",
        )


def wrong(what: str, why: str, fix: str) -> Refusal:
    """A refusal that says which file it is about."""
    return Refusal(f"{PATH}: {what}", why, fix)
