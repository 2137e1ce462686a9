"""Launchers: each takes a cell and returns a future of its exit code. Nothing else is asked of them.

A cell that dies takes nobody with it: its future holds the code it died of.
"""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Protocol, Self

from receipts.ablation.planning import device
from receipts.ablation.worker import THREADS, Order, forked, fresh
from receipts.config.check import is_estimator
from receipts.config.compose import Experiment
from receipts.config.place import cores
from receipts.config.questions import Ablating
from receipts.refusal import Refusal, nearest

PRELOAD = ("receipts.ablation.preload",)
LIGHT = ("receipts.evaluation.scoring", "receipts.training.estimators")  # where no cell needs torch to train
PATIENCE_S = 40.0  # a run that ends early still tells MLflow
context: multiprocessing.context.BaseContext = multiprocessing.get_context("forkserver")


class Launcher(Protocol):
    """Starts cells; left in whatever way, it leaves none behind."""

    workers: int

    def submit(self, order: Order, experiment: Experiment) -> "Future[int]":
        """Run a cell some time soon; the future's result is its exit code."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Local:
    """Cells on this machine, so many at a time, each a process forked from a server that has everything loaded.

    A cell of several processes is a fresh Python instead.
    """

    def __init__(self, workers: int, experiments: Sequence[Experiment]) -> None:
        self.workers = workers
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="cell")
        self.alive: set[BaseProcess | subprocess.Popen[bytes]] = set()
        self.reading = threading.Lock()
        self.ending = False
        light = all(is_estimator(experiment.config) for experiment in experiments)
        if isinstance(context, multiprocessing.context.ForkServerContext):
            context.set_forkserver_preload(list(LIGHT if light else PRELOAD))

    def submit(self, order: Order, experiment: Experiment) -> "Future[int]":
        """Queue a cell."""
        return self.pool.submit(self.run, order, experiment.config.trainer.processes > 1)

    def run(self, order: Order, several: bool) -> int:
        """Start a cell and wait for it; a signal's number comes back negative."""
        if self.ending:
            return -signal.SIGTERM
        process = fresh(order) if several else self.fork(order)
        self.alive.add(process)
        try:
            if isinstance(process, subprocess.Popen):
                return process.wait()
            return self.code_of(process)
        finally:
            self.alive.discard(process)

    def fork(self, order: Order) -> BaseProcess:
        """A process forked for a cell."""
        return self.begin(context.Process(target=forked, args=(order,)))  # type: ignore[attr-defined]

    def begin(self, process: BaseProcess) -> BaseProcess:
        """Start a process. That also reads the codes of others that have ended, which only one thread at a time may."""
        with self.reading:
            process.start()
        return process

    def code_of(self, process: BaseProcess) -> int:
        """The exit code of a process, once it has ended; whoever reads it second would be told 255."""
        wait([process.sentinel])
        with self.reading:
            process.join()  # its last file closes a moment before it has a code; none would read as 0
            return process.exitcode or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ending = True
        self.pool.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + PATIENCE_S
        for process in list(self.alive):
            process.terminate()
        while self.alive and time.monotonic() < until:
            time.sleep(0.05)
        for process in list(self.alive):
            process.kill()
        self.pool.shutdown()


def launcher(asked: Ablating, experiments: Sequence[Experiment]) -> Launcher:
    """The launcher that was asked for."""
    refuse_unknown(asked.launcher)
    workers = workers_of(asked, experiments)
    if asked.launcher == "slurm":
        from receipts.ablation.slurm import Slurm

        return Slurm(workers, asked.slurm)
    if asked.launcher == "ray":
        from receipts.ablation.cluster import Ray

        return Ray(asked.workers)
    return Local(workers, experiments)


def refuse_unknown(name: str) -> None:
    """A launcher that does not exist, or whose package is not installed."""
    packages = {"local": None, "slurm": "submitit", "ray": "ray"}
    if name not in packages:
        raise Refusal(
            f"there is no launcher {name!r}{nearest(name, list(packages))}",
            f"known are {', '.join(packages)}",
            "correct launcher=",
        )
    package = packages[name]
    if package is not None and find_spec(package) is None:
        raise Refusal(
            f"launcher={name} needs {package}, which is not installed",
            f"it is an extra of this package: {name}",
            f"pip install -e '.[{name}]'      (or launcher=local)",
        )


def workers_of(asked: Ablating, experiments: Sequence[Experiment]) -> int:
    """How many cells run at a time: as asked, all of them on a cluster of Slurm, elsewhere as there are cores for them.

    One where they would share a GPU.
    """
    if asked.workers or not experiments or asked.launcher == "slurm":
        return asked.workers or max(1, len(experiments))
    if any(device(experiment.config) == "gpu" for experiment in experiments):
        return 1
    wanted = max(experiment.config.fit.threads * experiment.config.trainer.processes for experiment in experiments)
    return max(1, min(cores() // wanted, len(experiments)))


def threads_here() -> str | None:
    """What the environment says of OpenMP."""
    return os.environ.get(THREADS)
