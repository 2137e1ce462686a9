"""Runs that a report made here printed and whose folder is gone, or whose record cannot be read any more.

A report without them would quietly say something else: fewer seeds, an older version, a table less. A run that was made
again under its identity is not missed, nor is one that a newer version of its row would have superseded.
"""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec

from receipts.bounds import read_whole
from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.report import lock, methods, numbers
from receipts.report.collect import Collected
from receipts.report.draft import Draft
from receipts.report.model import Report
from receipts.runs import printed
from receipts.runs.printed import Printed
from receipts.runs.pulling import WITHDRAWN
from receipts.runs.record import Record
from receipts.runs.store import UNSEALED
from receipts.runs.views import counted

SHOWN = 4


class Receipt(msgspec.Struct):
    """What a receipt of a written report says that helps to make its runs again."""

    runs: list[str]
    command: str
    split: str


class Written(msgspec.Struct):
    """As much of numbers.json as is needed here."""

    receipts: dict[str, Receipt]


def gone(found: Collected, drafts: Sequence[Draft]) -> dict[str, str]:
    """Runs that are missed, and what happened to them."""
    known = printed.load(found.folder)
    here = {record.run_id for record in found.records}
    if known.keys() <= here:
        return {}
    again = {record.identity.id for record in found.records if record.status == "completed"}
    rows = {f"{draft.name}.{row.name}": row.runs for draft in drafts for row in draft.rows}
    return {
        run_id: found.broken.get(run_id, what_befell(run_id, found.folder))
        for run_id, one in sorted(known.items())
        if run_id not in here and one.identity not in again
        if not all(is_superseded(run_id, one, rows.get(name, ())) for name in one.receipts)
    }


def what_befell(run_id: str, runs: Path) -> str:
    """Why a run's folder is not where it was."""
    return "the server no longer has it" if (runs / WITHDRAWN / run_id).is_dir() else "its folder is gone"


def is_superseded(run_id: str, one: Printed, row: Sequence[Record]) -> bool:
    """Whether the runs of its row now are a newer version, in whose place it would not stand if it were here."""
    return any(run.run_id > run_id for run in row) and one.version not in map(version, row)


def marked(drafts: Sequence[Draft], found: Collected, missed: Iterable[str]) -> list[Draft]:
    """The tables with the runs that they miss, of which their readers are told."""
    known = printed.load(found.folder)
    of = {run_id: {name.partition(".")[0] for name in known[run_id].receipts} for run_id in missed}
    return [replace(draft, lost=tuple(run_id for run_id in of if draft.name in of[run_id])) for draft in drafts]


def refuse(report: Report, folder: Path) -> None:
    """Refuse to replace a report that prints numbers of runs that are missed."""
    missed = report.lost
    receipts = written(folder) if missed else {}
    resting = {name: one for name, one in receipts.items() if not missed.keys().isdisjoint(one.runs)}
    named = {run_id: why for run_id, why in missed.items() if any(run_id in one.runs for one in resting.values())}
    if not named:
        return
    lost = [f"{run_id}: {why}" for run_id, why in named.items()]
    commands = dict.fromkeys(again(run_id, list(resting.values())) for run_id in named)
    back = "put the folders back; or python report.py source=mlflow, where the server has them"
    if report.folder != RUNS:
        back = "receipts sync, where they were made"
    raise Refusal(
        f"{folder}/ prints numbers of {counted(len(named), 'run')} that cannot be had any more",
        f"{some(lost, '; ')}; without a word a new report would say something else of {some(list(resting), ', ')}",
        f"{back}; or make them again: {some(list(commands), ' && ')}      (or 'allow={{{lock.LOST}: REASON}}')",
    )


def some(named: Sequence[str], between: str) -> str:
    """The first few, and how many more."""
    return between.join(named[:SHOWN]) + lock.more(named, SHOWN)


def again(run_id: str, receipts: Sequence[Receipt]) -> str:
    """The command that makes a run again; that of a plan where there is one, since it skips what is finished."""
    resting = [one for one in receipts if run_id in one.runs]
    plan = next((one.command for one in resting if one.command.startswith("python ablate.py")), None)
    if plan is not None:
        return plan
    first = resting[0]
    each = first.command.split(" && ")
    command = each[first.runs.index(run_id)] if len(each) == len(first.runs) else first.command
    if first.split in UNSEALED:
        return command
    return f"{command} && python eval.py run_id=latest" + ("" if first.split == "test" else f" split={first.split}")


def written(folder: Path) -> dict[str, Receipt]:
    """The receipts of the report that lies in a folder; none where it holds none that can be read."""
    with suppress(OSError, Refusal, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(read_whole(folder / numbers.NAME), type=Written).receipts
    return {}


def remember(report: Report) -> None:
    """Note which runs a report rests on that was written just now."""
    receipts: dict[str, list[str]] = {}
    for receipt in {number.receipt.name: number.receipt for number in report.numbers.values()}.values():
        for run_id in receipt.runs:
            receipts.setdefault(run_id, []).append(receipt.name)
    printed.add(
        report.folder,
        {
            run.run_id: Printed(run.identity.id, version(run), tuple(receipts[run.run_id]))
            for run in report.runs
            if run.run_id in receipts
        },
    )


def version(run: Record) -> str:
    """What all seeds of a method have in common, short."""
    return short(methods.version(run))


@cache
def short(version: tuple[str, ...]) -> str:
    """A hash: made once for all runs of a method."""
    return hashlib.sha256("\n".join(version).encode()).hexdigest()[:16]
