"""Signals that ask a training to end: heard at once, obeyed at the next point that it can be continued from.

Ctrl-C, SIGTERM and, under SLURM, SIGUSR1 (`sbatch --signal=USR1@120`), which also puts the job back into the queue. A
second signal, or no such point within `PATIENCE_S`, ends it on the spot: then the point before counts. A scheduler
tells all processes of a job to stop: those beside the first go on until it ends, or no point that all can save comes.
"""

import os
import signal
import subprocess
import threading
from types import FrameType
from typing import Any, NoReturn

from receipts.config.signals import STOPPED
from receipts.runs.log import say

PATIENCE_S = 8.0  # Docker waits for 10 s before it kills, SLURM for 30
BESIDE_S = 12.0  # of a process beside the first, which misses it where it is gone before


def job() -> str | None:
    """The SLURM job that this process belongs to, as `scontrol` names it; None outside of one."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


class Notice:
    """Listens from `listen` to `leave`; `given` is the signal that came."""

    def __init__(self, first: bool) -> None:
        self.first = first
        self.given: int | None = None
        self.before: dict[int, Any] = {}
        self.timer: threading.Timer | None = None

    def listen(self) -> None:
        """Take the signals from whoever had them; only a main thread may."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self.before[number] = signal.signal(number, self.hear)
        if job() is not None:
            self.before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self.hear if self.first else signal.SIG_IGN)

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Remember what came; the second time it is meant."""
        if self.given is not None:
            self.end()
        self.given = number
        if number == signal.SIGINT:  # written past Python's buffers, in which the signal may have come
            os.write(2, b"ending at the next point that can be gone on from; Ctrl-C again ends it now\n")
        self.timer = threading.Timer(PATIENCE_S if self.first else BESIDE_S, os.kill, (os.getpid(), number))
        self.timer.daemon = True
        self.timer.start()

    def obey(self) -> NoReturn:
        """End, now that everything is saved; a pre-empted job is queued again, and goes on by itself."""
        assert self.given is not None, "nobody asked"
        say(f"{signal.Signals(self.given).name}: saved; the same command goes on from here")
        if self.given == signal.SIGUSR1 and (mine := job()) is not None:
            done = subprocess.run(["scontrol", "requeue", mine], capture_output=True, text=True, check=False)
            say(f"job {mine} is queued again" if done.returncode == 0 else f"WARNING scontrol: {done.stderr.strip()}")
        self.end()

    def end(self) -> NoReturn:
        """Leave the training as the signal would have."""
        number = self.given
        self.leave()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(STOPPED + (number or signal.SIGTERM))

    def leave(self) -> None:
        """Give the signals back."""
        if self.timer is not None:
            self.timer.cancel()
        if threading.current_thread() is threading.main_thread():
            for number, handler in self.before.items():
                signal.signal(number, handler)
        self.before = {}
