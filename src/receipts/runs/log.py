"""The run's log: everything that is logged or warned of lands in `train.log`, in order and flushed.

Lines of steps are made and written off the training thread, a tenth of a second late at most: between two steps of a
small network the processor's caches are full of weights, and a line there costs ten times what it costs among lines.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from receipts.provenance import secrets
from receipts.refusal import visible

NOISY = ("lightning.pytorch", "lightning.fabric", "alembic", "mlflow", "filelock", "fsspec", "matplotlib", "git")

STAMP = "%Y-%m-%d %H:%M:%S"
LATE_S = 0.1  # that lines of steps wait for others

progress = logging.getLogger("receipts")


class Plain(logging.Formatter):
    """Lines that a terminal prints and does not obey: whoever follows a log sees what a sample is called."""

    def format(self, record: logging.LogRecord) -> str:
        """A line with what moves, colours or hides text spelt out."""
        return visible(super().format(record))


class Log(logging.FileHandler):
    """A log whose lines are written or raise: a run that can no longer say what it does is not going well."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")
        self.removed: list[str] = []
        self.waiting: deque[tuple[Callable[..., str], tuple[Any, ...]]] = deque()
        self.failed: OSError | None = None
        self.closed = threading.Event()
        self.writer: threading.Thread | None = None
        self.process = os.getpid()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Let the error through, where logging would print it and go on."""
        raise

    def format(self, record: logging.LogRecord) -> str:
        """A line without the secrets in it; that something was taken out is told once for each kind."""
        line, kinds = secrets.scrub(super().format(record))
        if new := [kind for kind in kinds if kind not in self.removed]:
            self.removed += new
            print(secrets.told(new, "train.log"), file=sys.stderr, flush=True)
        return line

    def emit(self, record: logging.LogRecord) -> None:
        """A line, after all that came before it."""
        self.settle()
        super().emit(record)

    def later(self, form: Callable[..., str], *values: Any) -> None:
        """A line of numbers, past everything that logging does for one: `form` makes it of them in a moment."""
        if self.failed is not None:
            raise self.failed
        self.waiting.append((form, values))
        if self.writer is None:
            self.writer = threading.Thread(target=self.follow, name="log", daemon=True)
            self.writer.start()

    def follow(self) -> None:
        """Write what waits; what goes wrong is raised where the next line comes from."""
        while self.failed is None and not self.closed.wait(LATE_S):
            try:
                self.settle()
            except OSError as error:
                self.failed = error

    def settle(self) -> None:
        """Write all lines that wait, unless this is a copy of the process that they wait in."""
        if os.getpid() != self.process:
            return
        with self.lock or nullcontext():  # before one looks: lines that no longer wait may not be written yet
            stamp, lines = time.strftime(STAMP), []
            while self.waiting:
                form, values = self.waiting.popleft()
                lines.append(f"{stamp} {form(*values)}\n")
            if lines:
                assert self.stream is not None, "the log is open while a run lasts"
                self.stream.write("".join(lines))
                self.stream.flush()

    def close(self) -> None:
        """Close the file; what could not be written was told when it could not."""
        self.closed.set()
        with suppress(OSError):
            self.settle()
        with suppress(OSError):
            super().close()


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Send log records and warnings to `train.log`, warnings to the screen as well."""
    root = logging.getLogger()
    file = Log(folder / "train.log")
    file.setFormatter(Plain("%(asctime)s %(message)s", datefmt=STAMP))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(Plain("%(levelname)s %(message)s"))
    before = root.level
    root.setLevel(logging.INFO)
    hush()
    handlers = (file, screen)
    for handler in handlers:
        root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close() if handler is file else None
        root.setLevel(before)


def hush() -> None:
    """Let libraries speak from warnings up; to be called again after importing one that sets its own level."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def note(form: Callable[..., str], *values: Any) -> None:
    """A line for the log alone, made of some numbers when there is time."""
    files = logs()
    for file in files:
        file.later(form, *values)
    if not files:
        progress.info(form(*values))


def settle() -> None:
    """From here on the log holds every line so far, whatever happens."""
    for file in logs():
        file.settle()


def logs() -> list[Log]:
    """Our files among those that logging writes to."""
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, Log)]


def say(line: str) -> None:
    """A line for the screen and the log."""
    print(visible(line), flush=True)
    progress.info(line)
