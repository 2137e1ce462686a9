"""A signal that reaches a command at a chosen moment: at the n-th change it makes to a file, or shortly after.

Python tells of every file that is opened, renamed or removed (audit events), so a moment is a number, and the same
number is the same moment on a slow machine; a seed then says which moments a matrix of kills tries.
"""

import errno
import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from launching import forking

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "subprocess.Popen", "sqlite3.connect")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
NEVER = 2**31


class Blow(NamedTuple):
    """`number` is the signal, `at` the change that calls for it, `delay` the seconds from there to the signal."""

    number: int
    at: int
    delay: float


def draw(seed: int, changes: int, number: int) -> Blow:
    """The moment that a seed means, in a command that makes so many changes: half of them exactly at one."""
    random = Random(seed)
    return Blow(number, random.randint(1, changes), random.choice([0.0, random.uniform(0.0, 0.03)]))


def prepare(count: Path, blow: Blow, forked: bool) -> None:
    """To be called in a launch before its script: count its changes into a file, and strike at the one chosen."""
    if forked:
        forking()
    handle = os.open(count, os.O_WRONLY | os.O_CREAT)
    seen = 0

    def look(event: str, words: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in CHANGES and not (event == "open" and isinstance(words[2], int) and words[2] & WRITES):
            return
        seen += 1
        os.pwrite(handle, f"{seen:<10}".encode(), 0)
        if seen == blow.at:
            strike(blow)

    sys.addaudithook(look)


def strike(blow: Blow) -> None:
    """Send this process its signal, at once or after a while."""
    if not blow.delay:
        os.kill(os.getpid(), blow.number)
        return

    def later() -> None:
        time.sleep(blow.delay)
        os.kill(os.getpid(), blow.number)

    threading.Thread(target=later, daemon=True).start()


def before(count: Path, blow: Blow, forked: bool = False) -> "partial[None]":
    """What a launch is told to call first."""
    return partial(prepare, count, blow, forked)


def counted(count: Path) -> int:
    """How many changes a launch has made."""
    return int(count.read_text())


def cut_off(how: str) -> None:
    """Let nothing be written of a plan after its first cell."""
    from receipts.ablation import planning

    def written(path: Path, content: bytes) -> None:
        if path.name != "0000.yaml":
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        path.parent.mkdir()
        path.write_bytes(content)

    planning.write_atomically = written  # type: ignore[attr-defined]
