"""How a process beside the first came to its end, as far as it leaves anything behind."""

import json
from pathlib import Path

from receipts.refusal import CheckFailed
from receipts.runs.files import write_atomically
from receipts.runs.record import Check
from receipts.runs.store import Run

NOTE = "failed.rank{}.json"  # left where a check ends such a process


class RankDied(RuntimeError):
    """Another process of the fit ended before its time."""


def leave(problem: CheckFailed, folder: Path, rank: int) -> None:
    """Leave what failed where the first process finds it."""
    words = [problem.check, problem.what, problem.why, problem.fix]
    write_atomically(folder / NOTE.format(rank), json.dumps(words).encode())


def cause(run: Run, rank: int, told: str) -> Exception:
    """The check that a process ended by, now in the record; where it left none, its death in the words given."""
    note = run.folder / NOTE.format(rank)
    if not note.is_file():
        return RankDied(told)
    name, what, why, fix = json.loads(note.read_text(encoding="utf-8"))
    run.record.checks.append(Check(name, "fail", f"process {rank}: {why}", "training", fix))
    return CheckFailed(name, what, f"process {rank}: {why}", fix)


def last_line(path: Path) -> str:
    """The log of a process beside the first, and its last words."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = [line for line in text.splitlines() if line.strip()]
    return f"{path}: {lines[-1].strip() if lines else 'empty'}"
