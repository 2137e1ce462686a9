"""The run's log: everything that is logged or warned of lands in `train.log`, flushed line by line."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from receipts.provenance import secrets
from receipts.refusal import visible

NOISY = ("lightning.pytorch", "lightning.fabric", "alembic", "mlflow", "filelock", "fsspec", "matplotlib", "git")

STAMP = "%Y-%m-%d %H:%M:%S"

progress = logging.getLogger("receipts")


class Plain(logging.Formatter):
    """Lines that a terminal prints and does not obey: whoever follows a log sees what a sample is called."""

    def format(self, record: logging.LogRecord) -> str:
        """A line with what moves, colours or hides text spelt out."""
        return visible(super().format(record))


class Log(logging.FileHandler):
    """A log whose lines are written or raise: a run that can no longer say what it does is not going well."""

    second, stamp = 0, ""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")
        self.removed: list[str] = []

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

    def write(self, line: str) -> None:
        """A line of numbers, past everything that logging does for one: steps can be a millisecond."""
        if (second := int(time.time())) != self.second:
            self.second, self.stamp = second, time.strftime(STAMP, time.localtime(second))
        assert self.stream is not None, "the log is open while a run lasts"
        with self.lock or nullcontext():
            self.stream.write(f"{self.stamp} {line}\n")
            self.stream.flush()

    def close(self) -> None:
        """Close the file; what could not be written was told when it could not."""
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


def note(line: str) -> None:
    """A line for the log alone, at the least cost."""
    files = [handler for handler in logging.getLogger().handlers if isinstance(handler, Log)]
    for file in files:
        file.write(line)
    if not files:
        progress.info(line)


def say(line: str) -> None:
    """A line for the screen and the log."""
    print(visible(line), flush=True)
    progress.info(line)
