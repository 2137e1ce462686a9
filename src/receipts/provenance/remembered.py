"""Checksums that need no second reading: while size, times and inode stay, a file has the bytes it had.

That is how git and DVC see it too. The time of the last change to the inode counts as well, which no program can set
back, so bytes changed under an old date are read again. What changed less than two seconds before it was read is not
remembered, since a clock's tick could hide one more change.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from receipts.config.project import RUNS

MEMORY = RUNS / ".checksums"
SETTLED_S = 2.0
WORTH = 1 << 20  # bytes: less is read as quickly as it is looked up

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
    lines, latest = [], 0
    for name, state in walk(os.fspath(folder)):
        lines.append(f"{name}\0{state}")
        latest = max(latest, newest(state))
    told = "\n".join(sorted(lines)).encode(errors="surrogateescape")
    return recall(folder, hashlib.blake2b(also + told, digest_size=16).hexdigest(), latest, read)


def walk(folder: str) -> Iterator[tuple[str, Seen]]:
    """Every file below a folder and its state; `os.scandir`, since pathlib takes five times as long."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file():
                    yield entry.path, seen(entry.stat())


def newest(state: Seen) -> int:
    """When a file last changed, in nanoseconds."""
    return max(state[1], state[2])


def recall(path: Path, state: str, changed_ns: int, read: Callable[[], str]) -> str:
    """What was read when the state was this one; otherwise what is read now, remembered if it had settled."""
    memory = MEMORY / hashlib.blake2b(os.fsencode(path.absolute()), digest_size=12).hexdigest()
    with suppress(OSError, ValueError, TypeError, RecursionError):
        then, checksum = json.loads(memory.read_bytes())
        if then == state:
            return str(checksum)
    settled = time.time_ns() - changed_ns > SETTLED_S * 1e9
    checksum = read()
    if settled:
        with suppress(OSError):  # a folder that cannot be written to costs a second reading, no more
            MEMORY.mkdir(parents=True, exist_ok=True)
            fresh = memory.with_name(f"{memory.name}.{os.getpid()}")
            fresh.write_text(json.dumps([state, checksum]))
            fresh.replace(memory)
    return checksum
