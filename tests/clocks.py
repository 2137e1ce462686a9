"""A clock that jumps back by an hour while a run trains, by libfaketime in a real Python."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import surviving
from folders import record, runs
from held import TRAIN, held, holding, release

import receipts


def library() -> Path | None:
    """libfaketime, where it is installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def jump_back(folder: Path) -> list[str]:
    """The run is still running for others, ends well, and later runs are told that their ids lie."""
    holding(folder)
    clock = folder.with_suffix(".clock")
    clock.write_text("+0")
    process = start(folder, clock, *TRAIN)
    held(folder)
    clock.write_text("-3600")
    twin = start(folder, clock, *TRAIN)
    said = twin.communicate(timeout=300)[0]
    found = [] if twin.returncode == 3 and "is running" in said else [f"an identical launch: {twin.returncode} {said}"]
    release(folder)
    said = process.communicate(timeout=300)[0]
    found += [] if process.returncode == 0 else [f"it ended with {process.returncode}: {said}"]
    other = start(folder, clock, *TRAIN, "seed=1")
    said = other.communicate(timeout=300)[0]
    warned = "the clock is behind" in said and "name this one by its id" in said
    found += [] if other.returncode == 0 and warned else [f"the next run: {other.returncode} {said}"]
    costs = [record(folder, number)["cost"]["wall_s"] for number in range(len(runs(folder)))]
    found += [] if len(costs) == 2 and all(0 < cost < 600 for cost in costs) else [f"seconds of runs: {costs}"]
    return found + surviving.findings(folder, {})


def start(folder: Path, clock: Path, *words: str) -> "subprocess.Popen[str]":
    """A real Python whose clock a file says."""
    paths = [str(folder / "src"), str(Path(receipts.__file__).parents[1])]
    told = {"LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    told |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": os.pathsep.join(paths)}
    told |= {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}  # nobody: the store is not what is tried here
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


EVENTS: dict[str, Callable[[Path], list[str]]] = {"clock an hour back": jump_back}
