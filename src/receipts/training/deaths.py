"""How a process beside the first came to its end, as far as it leaves anything behind."""

import traceback
from pathlib import Path

import msgspec

from receipts.bounds import read_whole
from receipts.config.entry import BUG
from receipts.refusal import CheckFailed, Refusal, tell
from receipts.runs.files import write_atomically
from receipts.runs.log import progress
from receipts.runs.record import Check
from receipts.runs.store import Run

NOTE = "failed.rank{}.json"  # left where a check or a refusal ends such a process
Note = tuple[str | None, str, str, str]  # the check, None where it is no check; what, why, and how to mend it
SHARE_DONE = 64  # its exit code when all went well: with 0 a process leaves that somebody ends in the middle


class RankDied(RuntimeError):
    """Another process of the fit ended before its time."""


def leave(problem: Refusal, folder: Path, rank: int) -> None:
    """Leave what failed, or was refused, where the first process finds it."""
    words: Note = (problem.check if isinstance(problem, CheckFailed) else None, problem.what, problem.why, problem.fix)
    write_atomically(folder / NOTE.format(rank), msgspec.json.encode(words))


def forget(folder: Path, rank: int) -> None:
    """Take away what a process of that number left in an earlier life of the run."""
    (folder / NOTE.format(rank)).unlink(missing_ok=True)


def cause(run: Run, rank: int, told: str) -> Exception:
    """What a process ended by: its refusal, its check, now in the record, or its death in the words given."""
    try:
        name, what, why, fix = msgspec.json.decode(read_whole(run.folder / NOTE.format(rank)), type=Note)
    except (OSError, Refusal, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # none, or none of ours
        return RankDied(told)
    if name is None:
        return Refusal(what, f"process {rank}: {why}", fix)
    check = Check(name, "fail", f"process {rank}: {why}", "training", fix)
    run.record.checks += [] if check in run.record.checks else [check]  # whoever watches may have told of it before
    return CheckFailed(name, what, f"process {rank}: {why}", fix)


def close(run: Run, problem: Exception) -> int:
    """Close a run whose own process waits for ever for one that is gone; the exit code for it, whatever goes wrong."""
    progress.error("%s", problem)
    try:
        run.__exit__(type(problem), problem, None)
    except Refusal as full:
        return tell(full)
    except Exception:  # noqa: BLE001 - a record that cannot be written must not keep this process waiting
        traceback.print_exc()
    return problem.exit_code if isinstance(problem, Refusal) else BUG


def ended_with(code: int) -> str:
    """How a process ended that was not killed, as a part of a sentence."""
    return f"ended with exit code {code}" + ("" if code else " before its share was done, as by sys.exit(0)")


def last_line(path: Path) -> str:
    """The log of a process beside the first, and its last words."""
    return f"{path}: {last_words(path)}"


def last_words(path: Path) -> str:
    """The last line of a log that says anything."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "empty"
