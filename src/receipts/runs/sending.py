"""Runs on their way to MLflow while something else goes on: a process of its own sends them (`runs/delivery.py`).

A thread would do the same, but its import of mlflow took 1.5 s away from training and put 120 MiB onto the peak memory
that the record reports.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from receipts.runs.log import say


class Tracker:
    """Shows one run in MLflow while it trains; neither call raises, and only `finish` waits, for a bounded time.

    Call `start` after the first step: rows of history.csv are then sent as they appear. Call `finish` when everything
    in the run folder is written; a record that still says running is shown as killed. Where `deferred` is set, whoever
    started this process sends its runs: see `Sender`.
    """

    deferred = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child: subprocess.Popen[str] | None = None
        self._trouble = ""

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if warning := self.finish():
            say(f"WARNING {warning}")

    def start(self) -> None:
        """Begin to follow the run folder; a second call does nothing."""
        if self._child or self._trouble or self.deferred:
            return
        try:
            self._child = begun(str(self.folder))
        except OSError as error:
            self._trouble = str(error)

    def finish(self, wait_s: float = 30.0) -> str | None:
        """Send the rest of the run; the warning to print when that did not succeed within `wait_s` seconds."""
        if self.deferred:
            return None
        self.start()
        child, self._child = self._child, None
        trouble = ended(child, wait_s) if child else self._trouble
        if not trouble:
            return None
        return f"MLflow lacks part of this run ({trouble}); nothing is lost: receipts sync"


class Sender:
    """Sends runs of other processes as they end, one after the other, in one process for all of them."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self.trouble = ""

    def send(self, folder: Path) -> None:
        """A run has ended: MLflow is to know of it soon."""
        if self._child is None and not self.trouble:
            self.start()
        if self._child is not None and self._child.stdin is not None:
            with suppress(OSError):  # it gave up; `finish` says why
                self._child.stdin.write(f"{folder}\n")
                self._child.stdin.flush()

    def start(self) -> None:
        """Start the process that sends."""
        try:
            self._child = begun("-")
        except OSError as error:
            self.trouble = str(error)

    def finish(self, wait_s: float = 60.0) -> str | None:
        """Wait until everything is sent; the warning to print when that did not succeed within `wait_s` seconds."""
        child, self._child = self._child, None
        trouble = ended(child, wait_s) if child else self.trouble
        return f"MLflow lacks some of these runs ({trouble}); nothing is lost: receipts sync" if trouble else None


def begun(what: str) -> subprocess.Popen[str]:
    """The process that follows a run folder, or with `-` sends those that it is told of."""
    return subprocess.Popen(
        [sys.executable, "-m", "receipts.runs.delivery", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is meant for the training; this one ends when its stdin does
    )


def ended(child: subprocess.Popen[str], wait_s: float) -> str:
    """Tell that process that nothing more comes, and wait for it; what went wrong, in one line, or nothing."""
    try:
        said, _ = child.communicate("end\n", timeout=wait_s)
    except subprocess.TimeoutExpired:
        return f"no answer within {wait_s:g} s"
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return said.strip() or (f"exit code {child.returncode}" if child.returncode else "")
