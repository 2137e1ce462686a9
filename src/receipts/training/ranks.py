"""Several processes for one fit: started when everything is ready, watched, and never left behind.

The first process is `train.py` itself. The others run `receipts.training.rank` on the run's own frozen config, each
with a log of its own; Lightning is told who is there. Its own launcher would compose the command line anew in every
process, and kill this one without a word in the record when another dies.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO

import psutil

from receipts.config.place import Place, place
from receipts.config.schema import Config
from receipts.runs.log import progress
from receipts.runs.store import Run
from receipts.training.deaths import SHARE_DONE, cause, close, ended_with, last_line, last_words
from receipts.training.method import Site
from receipts.training.peers import Peers

LOOK_S = 0.5
NOTICE_S = 15.0  # how long this process may take to notice that another has died
END_S = 60.0
OURS = ("MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")  # set while several processes train, by us or by Lightning


@contextmanager
def started(run: Run, config: Config, first_step: Callable[[], None]) -> Iterator[Site]:
    """Where the fit happens; with several processes, the others are started, and gone when this is left.

    Raises `RankDied`, which names the process and its log, when one of them failed.
    """
    here, world, record = place(), config.trainer.world, run.record
    if world == 1:
        yield Site(run.folder, first_step, checks=record.checks, warnings=record.warnings, pulse=run.pulse)
        return
    with scrubbed():
        os.environ["OMP_NUM_THREADS"] = str(config.fit.threads)  # or Lightning would choose another number
        together = here if here.launcher else Place(world=world, port=free_port())
        site = Site(run.folder, first_step, together, record.checks, record.warnings, run.pulse)
        with Peers(run, site) if here.launcher else Helpers(run, site):
            yield site


@contextmanager
def scrubbed() -> Iterator[None]:
    """Leave the variables of a fit by several processes as they were, for whatever runs in this one afterwards."""
    before = {name: os.environ.get(name) for name in OURS}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def beside(module: str, words: Sequence[str], log: IO[bytes], out: int | None = None) -> "subprocess.Popen[bytes]":
    """A process that runs a module of ours, in a session of its own; what it prints goes to a log, or to `out`.

    It imports what this one does, and is to end when its standard input closes.
    """
    return subprocess.Popen(
        [sys.executable, "-u", "-m", module, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.PIPE,
        stdout=log if out is None else out,
        stderr=log,
        start_new_session=True,
    )


def patience(error: BaseException | None) -> float:
    """Seconds to wait for the others: to be done, or for the one to end that this one could not reach."""
    if error is None:
        return END_S
    return NOTICE_S if is_missing_one(error) else LOOK_S * 4 if isinstance(error, RuntimeError) else 0.0


def is_missing_one(error: BaseException | None) -> bool:
    """Whether this process failed since it could not reach another one."""
    return isinstance(error, RuntimeError) and tells_of_others(str(error))


def tells_of_others(words: str) -> bool:
    """Whether an error is that of a process which lost another one, and tells nothing of its own."""
    return any(word in words for word in ("gloo", "NCCL", "peer"))


def is_stopped(pid: int) -> bool:
    """Whether a process is held by SIGSTOP or the like: it neither runs nor ends."""
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False


class Helpers:
    """The processes beside the first. Each ends when its standard input closes, so none outlives this one."""

    def __init__(self, run: Run, site: Site) -> None:
        self.run, self.site = run, site
        self.left = threading.Event()
        self.stopped: set[int] = set()

    def __enter__(self) -> "Helpers":
        self.processes = {rank: self.start(rank) for rank in range(1, self.site.world)}
        threading.Thread(target=self.watch, name="ranks", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.settle(patience(error))
            died = self.died()
        finally:
            self.left.set()
            self.end()
        if died and (error is None or isinstance(error, RuntimeError)):
            raise cause(self.run, died, self.told(died)) from error

    def start(self, rank: int) -> "subprocess.Popen[bytes]":
        """One process, which hears nothing of Ctrl-C: that ends the first."""
        words = [self.run.record.run_id, str(rank), str(self.site.world), str(self.site.place.port)]
        with self.site.log_of(rank).open("ab") as log:
            return beside("receipts.training.rank", words, log)

    def settle(self, seconds: float) -> None:
        """Wait until all have ended or one has failed by itself, for so long at most."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(process.poll() is None for process in self.processes.values()):
            died = self.died()
            if died is not None and not self.lost_another(died):
                return
            time.sleep(0.02)

    def died(self) -> int | None:
        """The rank of a process that ended before its share was done: the one most surely at fault.

        One that was killed comes first, and one that only lost another last, whichever of them ended before.
        """
        gone = [rank for rank, process in self.processes.items() if process.poll() not in (None, SHARE_DONE)]
        return min(gone, key=lambda rank: (self.lost_another(rank), self.processes[rank].returncode >= 0), default=None)

    def lost_another(self, rank: int) -> bool:
        """Whether a process failed, and only since another one was gone."""
        return self.processes[rank].returncode > 0 and tells_of_others(last_words(self.site.log_of(rank)))

    def end(self) -> None:
        """End whatever still runs."""
        for process in self.processes.values():
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()

    def watch(self) -> None:
        """End this process when another died and it waits for that one for ever, as it may in a collective call."""
        while not self.left.wait(LOOK_S):
            self.tell_of_stopped()
            if self.died() is None or self.left.wait(NOTICE_S):
                continue
            died = self.died()
            assert died is not None, "nobody comes back"
            code = close(self.run, cause(self.run, died, self.told(died)))
            self.end()
            os._exit(code)

    def tell_of_stopped(self) -> None:
        """Say once of a process that somebody has stopped that all others wait for it; it may well go on."""
        now = {rank: process.pid for rank, process in self.processes.items() if is_stopped(process.pid)}
        for rank in now.keys() - self.stopped:
            progress.warning(
                "process %d of %d is stopped, and all wait for it: kill -CONT %d", rank, self.site.world, now[rank]
            )
        self.stopped = set(now)

    def told(self, rank: int) -> str:
        """What happened to a process, in one sentence with the last line of its log."""
        code = self.processes[rank].returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else ended_with(code)
        return f"process {rank} of {self.site.world} {how} ({last_line(self.site.log_of(rank))})"
