"""Whose numbers are put to the test: the top methods of every table, or the experiments that were named."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from receipts.config import reporting
from receipts.config.files import files
from receipts.config.questions import Gauntlet
from receipts.refusal import Refusal, nearest
from receipts.report import build, collect, lock, methods, selection
from receipts.report.collect import Collected
from receipts.report.model import Comparison, Report, Row, Table
from receipts.runs.record import Record, Score

TOP = 2  # methods of a table


@dataclass(frozen=True, slots=True)
class Rival:
    """The method that a table compares a subject with, and what the comparison of the primary metric came to."""

    label: str
    runs: tuple[Record, ...]
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Subject:
    """One method: how it is called, its runs by seed, the split whose numbers are printed, and its rivals.

    Without a label it is the project: all runs of all methods.
    """

    label: str
    runs: tuple[Record, ...]
    split: str = "val"
    rivals: tuple[Rival, ...] = ()

    @property
    def run(self) -> Record:
        """The run that stands for the method where one is enough: that of the first seed."""
        return self.runs[0]

    @property
    def key(self) -> str:
        """A name for a folder: which method, and a hash over the identities of its runs."""
        digest = hashlib.sha256("\n".join(sorted(run.identity.id for run in self.runs)).encode()).hexdigest()
        return f"{methods.slug(self.label) if self.label else 'project'}-{digest[:8]}"


def reported(asked: Gauntlet) -> tuple[Collected, Report]:
    """What report.py would print now."""
    found = collect.collect()
    picked = selection.select(found, reporting.load(), asked.allow)
    marks = lock.refuse_mixtures(picked.drafts, asked.allow)
    return found, build.report(found, picked, marks)


def chosen(asked: Gauntlet) -> list[Subject]:
    """The methods that were named, else the top ones of every table; each once."""
    try:
        found, report = reported(asked)
    except Refusal:
        if not asked.conf:
            raise
        return [named(conf.removesuffix(".yaml"), [], collect.collect()) for conf in asked.conf]
    judged = [table for table in report.tables if table.over is None]  # a method over tasks is several experiments
    pairs = [(table, row) for table in judged for row in table.rows if row.runs]
    if asked.conf:
        return [named(conf.removesuffix(".yaml"), pairs, found) for conf in asked.conf]
    if not pairs:
        raise Refusal(
            "the report has no table of one task",
            "a method over several tasks is several experiments, and each is tried by itself",
            "python gauntlet.py conf=NAME, or a table with rows in conf/scripts/report.yaml",
        )
    tops = [(table, row) for table in judged if table.plan is None for row in top(table)]
    made = [subject(table, row) for table, row in tops or pairs[:TOP]]
    return list({one.key: one for one in made}.values())


def top(table: Table) -> list[Row]:
    """The best rows of a table by its primary metric, whatever nobody should score below left out."""
    better = {column.metric: column.better for column in table.columns}.get(table.primary, "higher")
    means = {row.name: mean for row in table.rows if (mean := mean_of(row, table.primary)) is not None}
    rows = [row for row in table.rows if row.name in means and row.runs[-1].rung != "floor"]
    return sorted(rows, key=lambda row: means[row.name], reverse=better == "higher")[:TOP]


def mean_of(row: Row, metric: str) -> float | None:
    """A row's mean of one metric; None where the table has no such column, or the row no value."""
    return row.cells[metric].estimate.mean if metric in row.cells else None


def subject(table: Table, row: Row) -> Subject:
    """A row of a table."""
    rows = {one.name: one for one in table.rows}
    rivals = tuple(
        Rival(rows[one.against].label, rows[one.against].runs, one)
        for one in table.comparisons
        if one.row == row.name and one.column == table.primary and rows[one.against].runs
    )
    return Subject(row.label, row.runs, table.split, rivals)


def named(conf: str, pairs: Sequence[tuple[Table, Row]], found: Collected) -> Subject:
    """An experiment's row of the first table that has it; without a table, its newest version as scored on val."""
    for table, row in pairs:
        if row.label == conf:
            return subject(table, row)
    records = [record for record in found.records if methods.label(record) == (conf, ())]
    picked = methods.pick(methods.slug(conf), conf, records, "val", {})
    if picked.runs:
        return Subject(conf, picked.runs)
    known = files("conf")
    close = "" if conf in known else nearest(conf, list(known))
    raise Refusal(
        f"there is no completed run of {conf}{close}",
        "the gauntlet is run by results that are recorded",
        f"python train.py conf={conf}",
    )


def project(subjects: Sequence[Subject]) -> Subject:
    """All runs of all methods at once."""
    runs = {run.run_id: run for one in subjects for run in one.runs}
    return Subject("", tuple(runs.values()))


def score_of(run: Record, split: str) -> Score:
    """A score that the run is known to have."""
    score = run.score(split)
    assert score is not None, f"{run.run_id} has no score on {split}"
    return score


def primary(run: Record, split: str) -> float | None:
    """A run's primary number on a split; None where it is undefined or was not computed."""
    score = run.score(split)
    found = score.metrics.get(run.primary or "") if score else None
    return found.value if found else None
