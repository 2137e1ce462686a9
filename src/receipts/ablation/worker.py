"""One cell in a process of its own: what train.py does, from the frozen config; then, if asked, what eval.py does.

Also `python -m receipts.ablation.worker PLAN NUMBER [retry] [test]`, for launchers that start a fresh Python.
"""

import gc
import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from receipts.ablation import planning
from receipts.config import place, project
from receipts.config.entry import attempt, worst
from receipts.config.questions import Evaluation
from receipts.config.signals import STOPPED, heed
from receipts.data import manifest
from receipts.provenance.trace import trace
from receipts.refusal import Refusal
from receipts.runs import ancestry, plans, sending, store
from receipts.runs.plans import Cell

THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Order:
    """A cell to run: its plan's folder, its number, whether a failure is to be tried again, whether test is opened.

    `threads` is what the environment says of OpenMP where the plan was started; some launchers set another value.
    """

    folder: Path
    number: int
    retry: bool = False
    test: bool = False
    threads: str | None = None

    @property
    def log(self) -> Path:
        """Where the cell's process writes what it would print."""
        return self.folder / "cells" / f"{self.number:04d}.log"

    @property
    def command(self) -> list[str]:
        """The same as a command line."""
        switches = [name for name in ("retry", "test") if getattr(self, name)]
        return [sys.executable, "-u", "-m", __name__, str(self.folder), str(self.number), *switches]


def work(order: Order) -> int:
    """Run a cell; the exit code is the worst of training and evaluation."""
    plan = plans.read(order.folder)
    cell = plan.cells[order.number]
    experiment = planning.thaw(order.folder, plan, cell)
    sys.argv[:] = ["train.py", *cell.words]  # the record's command is the one that makes this run
    sending.Tracker.deferred = True
    refuse_changed(cell, experiment)
    launched = replace(experiment, config=replace(experiment.config, wait=True, retry=order.retry))
    code = attempt(script("train.py", "train"), launched)
    done = next((record for record in store.known(cell.identity) if record.status == "completed"), None)
    if order.test and done is not None and not store.is_scored(done, "test"):
        evaluation = attempt(script("eval.py", "evaluate"), Evaluation(done.run_id), "ablate.py")
        return worst([code, evaluation])
    return code


def refuse_changed(cell: Cell, experiment: Any) -> None:
    """A cell whose code, data or split are no longer those that the plan was made of."""
    rooted, _ = ancestry.rooted(experiment)
    path, division = manifest.load(rooted.data)
    now = trace(rooted.values, division.files, division.origin, path).identity.id
    if now != cell.identity:
        raise Refusal(
            "code, data or split changed since the plan was made",
            f"this cell was to be {cell.identity[:8]} and would be {now[:8]}: arms would differ in more than is said",
            "the same command again: it makes a plan of today's code",
        )


def script(name: str, function: str) -> Callable[..., int]:
    """A function of one of the project's entry scripts: the same story, told by a cell."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., int] = getattr(module, function)
    return found


def forked(order: Order) -> None:
    """Become a cell in a process that was forked for it; the exit code is the process's."""
    gc.freeze()  # or every collection would walk through all of torch
    threading.Thread(target=end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the plan, which ends its cells one by one
    heed()
    order.log.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(log, number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    code = attempt(work, order)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end_with_parent() -> None:
    """End when the plan's own process is gone, however it came to that; the run is left stale."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(STOPPED + signal.SIGHUP)


def fresh(order: Order) -> "subprocess.Popen[bytes]":
    """A cell as a Python of its own, without what a launcher left in the environment."""
    order.log.parent.mkdir(parents=True, exist_ok=True)
    with order.log.open("ab") as log:
        return subprocess.Popen(
            order.command,
            env=environment(order),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def environment(order: Order) -> dict[str, str]:
    """This process's environment as a person's shell would have it."""
    kept = {name: value for name, value in os.environ.items() if name not in (*place.VARIABLES, THREADS)}
    kept["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return kept if order.threads is None else {**kept, THREADS: order.threads}


def remote(order: Order, root: Path) -> int:
    """Run a cell to its end on whatever machine this is; the project lies at the same place everywhere."""
    project.enter(root)
    process = fresh(order)
    try:
        return process.wait()
    finally:
        process.terminate()


def main(words: Sequence[str]) -> int:
    """Run the cell that the words name."""
    heed()
    folder, number, *switches = words
    project.enter(Path.cwd())
    return attempt(work, Order(Path(folder), int(number), "retry" in switches, "test" in switches))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
