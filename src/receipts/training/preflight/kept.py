"""Verdicts of rehearsals, kept by everything they depend on: another seed asks the same questions, and is told."""

import contextlib
from pathlib import Path

import msgspec

from receipts.config.project import RUNS
from receipts.provenance import code
from receipts.runs import files
from receipts.runs.record import Check, Record

FOLDER = RUNS / ".preflight"


class Rehearsed(msgspec.Struct):
    """What came of a rehearsal: verdicts, seconds of a training step, and how many steps are planned."""

    checks: list[Check] = []
    step_s: float | None = None
    steps: int = 0

    @property
    def eta_s(self) -> float | None:
        """How long the steps of the whole training will take, validation aside."""
        return None if self.step_s is None else self.step_s * self.steps


def path_of(record: Record) -> Path:
    """Where the verdicts on a run's method, code, data and split are kept; its seed is no part of the name."""
    own = record.identity
    parts = {"method": record.method, "code": own.code, "lock": own.lock, "data": own.data, "split": own.split}
    return FOLDER / f"{code.combined({**parts, 'device': record.world.device})}.json"


def read(record: Record) -> Rehearsed | None:
    """What an earlier run of the same method found; None where none did, or the file is damaged."""
    with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(path_of(record).read_bytes(), type=Rehearsed)
    return None


def keep(record: Record, found: Rehearsed) -> None:
    """Keep what anybody may go on with."""
    if all(check.verdict in ("pass", "not applicable") for check in found.checks):
        files.keep(path_of(record), msgspec.json.encode(found))
