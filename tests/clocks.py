"""A clock that is set back by an hour while a run trains.

The machine's own clock is everybody's, so each process has one of its own, moved by what a file says: for whatever
reads the time of day in Python, and so is the start of every process, which psutil counts from that clock; or, where
libfaketime is installed, for all that a process is made of and starts.
"""

import os
import select
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import surviving
from folders import record, runs
from held import TRAIN, held, holding, release
from launching import begin, child, ended, launch
from media import failed, refused


def jump_back(folder: Path, own: Callable[[Path], None] | None = None) -> list[str]:
    """The run is still running for others, ends well, and the next one is told that ids lie for a while."""
    holding(folder)
    clock = folder.with_suffix(".clock")
    clock.write_text("+0")
    follow = partial(own or following, clock)
    process = begin(folder, *TRAIN, before=follow)
    first = held(folder)
    clock.write_text("-3600")
    found = refused(launch(folder, *TRAIN, before=follow), f"{first.name} is running", "wait=true")
    release(folder)
    process.join(300)
    found += failed(ended(folder, process))
    found += failed(other := launch(folder, *TRAIN, "seed=1", before=follow))
    told = f"the clock is behind {first.name}" in other.out and "name this one by its id" in other.out
    found += [] if told else [f"nobody was told that the clock is behind: {other.out}"]
    costs = [record(folder, number)["cost"]["wall_s"] for number in range(len(runs(folder)))]
    found += [] if len(costs) == 2 and all(0 < cost < 600 for cost in costs) else [f"seconds of runs: {costs}"]
    return found + surviving.findings(folder, {})


def following(clock: Path) -> None:
    """Let the time of day in this process be off by as many seconds as a file says."""
    from receipts.runs import claims, process, store

    now, started = time.time, process.started_at

    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=float(clock.read_text()))

    def off(pid: int) -> float | None:
        at = started(pid)
        return None if at is None else at + float(clock.read_text())

    time.time = lambda: now() + float(clock.read_text())
    process.started_at = off
    for module in (process, store, claims):
        module.datetime = Set  # type: ignore[attr-defined]


def libfaketime() -> Path | None:
    """libfaketime, where Debian's package puts it."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def preloaded(clock: Path) -> None:
    """Become a Python that has libfaketime from the start, and do the same in it.

    The clock that nobody can set is left alone, since waiting goes by it, and so are the times of files.
    """
    told = {"LD_PRELOAD": str(libfaketime()), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    told |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    told |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    program = [sys.executable, "-c", "import clocks; clocks.go_on()", *sys.argv]
    os.execve(sys.executable, program, {**os.environ, **told})


def go_on() -> None:
    """What such a Python does. Its `time.sleep` names the moment to wake up at, which libfaketime 0.9.10 gets wrong."""
    time.sleep = lambda seconds: select.select([], [], [], seconds)[0]
    script, *words = sys.argv[1:]
    child(Path.cwd(), script, tuple(words), {}, False, None)


def jump_back_by_library(folder: Path) -> list[str]:
    """The same by libfaketime, which costs three real starts of Python."""
    return jump_back(folder, preloaded)


EVENTS: dict[str, Callable[[Path], list[str]]] = {"clock an hour back": jump_back}
BY_LIBRARY = {"clock an hour back, by libfaketime": jump_back_by_library} if libfaketime() else {}
