"""Runs on which a report rests that was made here: what is missed when the folder of one is gone.

It is remembered beside the runs, which git does not hold: a fresh clone has the report of its authors and none of their
runs, and misses nothing.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from receipts.runs.files import remember

NAME = ".printed"


class Printed(msgspec.Struct, frozen=True, array_like=True):
    """A run as a report knew it: its identity, a hash of what its row's other seeds share with it, its receipts."""

    identity: str
    version: str
    receipts: tuple[str, ...]


def load(runs: Path) -> dict[str, Printed]:
    """What is remembered of a folder of runs, by run id; nothing where that is missing or no such file."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode((runs / NAME).read_bytes(), type=dict[str, Printed])
    return {}


def add(runs: Path, fresh: Mapping[str, Printed]) -> None:
    """Remember the runs of one more report; those of earlier ones stay, since their reports may lie elsewhere."""
    before = load(runs)
    if not fresh.items() <= before.items():
        keep(runs, {**before, **fresh})


def forget(runs: Path, gone: Iterable[str]) -> None:
    """Runs that went on purpose are not missed."""
    before = load(runs)
    if not before.keys().isdisjoint(names := set(gone)):
        keep(runs, {run_id: one for run_id, one in before.items() if run_id not in names})


def keep(runs: Path, known: Mapping[str, Printed]) -> None:
    """Write it down; a folder that cannot be written to costs a warning later, and no report now."""
    remember(runs / NAME, msgspec.json.encode(known))
