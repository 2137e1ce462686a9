"""What a comparison needs of every completed run, kept in `runs/.known.json` so that no record is read twice.

A run that ends is compared with all others; read anew each time, ten thousand runs would read fifty million records. A
line is taken over while the record's file has not changed, as git sees it; the file may be deleted at any time.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from receipts.provenance.remembered import seen
from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs.files import write_atomically
from receipts.runs.record import Record

NAME = ".known.json"


class Scored(msgspec.Struct, frozen=True, array_like=True):
    """One score: its primary number, None where it is undefined or missing."""

    split: str
    n: int
    harness: str
    value: float | None


class Known(msgspec.Struct, frozen=True, array_like=True):
    """One run, as far as others are compared with it. `sound` says that it is completed and no check fails."""

    run_id: str
    seed: int
    sound: bool
    reportable: bool
    rung: str | None
    primary: str | None
    data: str
    split: str
    rows: int | None
    scores: list[Scored]


Kept = dict[str, tuple[list[int], Known | None]]  # None: the record cannot be read


def known(record: Record) -> Known:
    """What is kept of a record."""
    primary = record.primary or ""
    scores = [
        Scored(s.split, s.n, s.harness, s.metrics[primary].value if primary in s.metrics else None)
        for s in record.scores
    ]
    sound = record.status == "completed" and not record.failing
    return Known(
        record.run_id, record.seed, sound, record.reportable, record.rung, record.primary, record.identity.data,
        record.identity.split, record.limit.get("rows"), scores,
    )  # fmt: skip


def recorded(runs: Path) -> list[Known]:
    """Every sound run of a folder, newest first; only records that are new or have changed are read."""
    before, after = remembered(runs), {}
    for name, state in sorted(states(runs), reverse=True):
        kept = before.get(name)
        after[name] = kept if kept is not None and kept[0] == state else (state, read(runs / name))
    if after != before:
        with suppress(OSError, Refusal):  # a folder that cannot be written to costs a second reading, no more
            for half in runs.glob(f".{NAME}.*"):
                half.unlink()  # of a killed process; whoever is about to rename it reads once more, too
            write_atomically(runs / NAME, msgspec.json.encode(after))
    return [one for _, one in after.values() if one is not None and one.sound]


def remembered(runs: Path) -> Kept:
    """What was kept; nothing where there is no such file, or it is of another core."""
    try:
        return msgspec.json.decode((runs / NAME).read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def states(runs: Path) -> list[tuple[str, list[int]]]:
    """The run folders and the state of their records; `os.scandir`, since pathlib takes five times as long."""
    found: list[tuple[str, list[int]]] = []
    if not runs.is_dir():
        return found
    with os.scandir(runs) as entries:
        for entry in entries:
            if entry.name[0] != ".":
                with suppress(OSError):  # a folder without a record, or no folder
                    found.append((entry.name, list(seen(os.stat(f"{entry.path}/record.json")))))  # noqa: PTH116
    return found


def read(folder: Path) -> Known | None:
    """One run; None for a record that cannot be read, which `receipts ls` names."""
    try:
        return known(records.read(folder))
    except Refusal:
        return None
