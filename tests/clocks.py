"""A clock that is set back by an hour while a run trains.

The machine's own clock is everybody's, so each process has one of its own: whatever reads the time of day gets it moved
by what a file says, and so is the start of every process, which psutil counts from that clock.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import surviving
from folders import record, runs
from held import TRAIN, held, holding, release
from launching import begin, ended, launch
from media import failed, refused


def jump_back(folder: Path) -> list[str]:
    """The run is still running for others, ends well, and the next one is told that ids lie for a while."""
    holding(folder)
    clock = folder.with_suffix(".clock")
    clock.write_text("0")
    follow = partial(following, clock)
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


EVENTS: dict[str, Callable[[Path], list[str]]] = {"clock an hour back": jump_back}
