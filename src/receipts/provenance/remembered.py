"""Checksums that need no second reading: while size, times and inode stay, a file has the bytes it had.

That is how git and DVC see it too. The time of the last change to the inode counts as well, which no program can set
back, so bytes changed under an old date are read again. What changed less than two seconds before it was read is not
remembered, since a clock's tick could hide one more change.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from receipts.config.place import cores
from receipts.config.project import RUNS
from receipts.provenance.looks import look_together

MEMORY = RUNS / ".checksums"
SETTLED_S = 2.0
WORTH = 1 << 20  # bytes: less is read as quickly as it is looked up
A_PROCESS, MOST = 10_000, 8  # files that a process of their own is worth starting for; more processes get no faster

Seen = tuple[int, int, int, int]


def seen(entry: os.stat_result) -> Seen:
    """What is compared instead of bytes: size, both times in nanoseconds, inode."""
    return entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns, entry.st_ino


def of_file(path: Path, read: Callable[[], str]) -> str:
    """The checksum of a file, read again only where something about it has changed."""
    state = seen(path.stat())
    return recall(path, repr(state), newest(state), read) if state[0] >= WORTH else read()


def of_folder(folder: Path, also: bytes, read: Callable[[], str]) -> str:
    """The checksum of a folder, read again where any of its files, their number or `also` has changed."""
    _, _, expected = kept(folder)
    state, files, latest = look_together(os.fspath(folder), processes(expected))
    rules = hashlib.blake2b(also, digest_size=8).hexdigest()
    return recall(folder, f"{state:016x} {rules}", latest, read, files)


def processes(files: int) -> int:
    """How many processes are worth starting for a look at so many files."""
    return max(1, min(cores(), MOST, files // A_PROCESS))


def newest(state: Seen) -> int:
    """When a file last changed, in nanoseconds."""
    return max(state[1], state[2])


def recall(path: Path, state: str, changed_ns: int, read: Callable[[], str], files: int = 1) -> str:
    """What was read when the state was this one; otherwise what is read now, remembered if it had settled."""
    then, checksum, _ = kept(path)
    if then == state:
        return checksum
    settled = time.time_ns() - changed_ns > SETTLED_S * 1e9
    checksum = read()
    if settled:
        with suppress(OSError):  # a folder that cannot be written to costs a second reading, no more
            MEMORY.mkdir(parents=True, exist_ok=True)
            fresh = memory(path).with_name(f"{memory(path).name}.{os.getpid()}")
            try:
                fresh.write_text(json.dumps([state, checksum, files]))
                fresh.replace(memory(path))
            finally:
                fresh.unlink(missing_ok=True)
    return checksum


def kept(path: Path) -> tuple[str | None, str, int]:
    """What is remembered of a path: its state then, its checksum, the number of its files."""
    with suppress(OSError, ValueError, TypeError, RecursionError):
        then, checksum, files = json.loads(memory(path).read_bytes())
        return str(then), str(checksum), int(files)
    return None, "", 0


def memory(path: Path) -> Path:
    """Where that is kept."""
    return MEMORY / hashlib.blake2b(os.fsencode(path.absolute()), digest_size=12).hexdigest()
