"""Whoever watched a training leaves: the line hangs up, the terminal's window is shut, the reader of a pipe ends."""

import fcntl
import os
import pty
import signal
import tempfile
import termios
from collections.abc import Callable
from functools import partial
from pathlib import Path

import surviving
from folders import runs
from held import EPOCHS, TRAIN, held, holding, log, release
from launching import begin, ended

from receipts.runs import record as records


def hang_up(folder: Path) -> list[str]:
    """SIGHUP to a training."""
    holding(folder)
    process = begin(folder, *TRAIN)
    held(folder)
    os.kill(process.pid or 0, signal.SIGHUP)
    return went_on(folder, process)


def closed_terminal(folder: Path) -> list[str]:
    """A training whose terminal is closed: SIGHUP, and every further line to the screen raises EIO."""
    holding(folder)
    ours, theirs = pty.openpty()
    process = begin(folder, *TRAIN, before=partial(own_terminal, os.ttyname(theirs)))
    held(folder)
    seen = os.read(ours, 65536)
    os.close(theirs)
    os.close(ours)
    return went_on(folder, process) + ([] if seen else ["the terminal showed nothing"])


def broken_pipe(folder: Path) -> list[str]:
    """`python train.py | head`, standard error included."""
    holding(folder)
    os.mkfifo(pipe := folder.with_suffix(".pipe"))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    process = begin(folder, *TRAIN, before=partial(into, str(pipe)))
    held(folder)
    seen = os.read(reader, 65536)
    os.close(reader)
    return went_on(folder, process) + ([] if seen else ["the pipe brought nothing"])


EVENTS: dict[str, Callable[[Path], list[str]]] = {
    "hang-up (SIGHUP)": hang_up,
    "closed terminal": closed_terminal,
    "broken output pipe": broken_pipe,
}


def own_terminal(name: str) -> None:
    """Become the process that a terminal belongs to, as a shell's foreground job."""
    os.setsid()
    into(name)
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


def into(name: str) -> None:
    """Write both streams somewhere else."""
    handle = os.open(name, os.O_RDWR if name.startswith("/dev/pts") else os.O_WRONLY)
    for number in (1, 2):
        os.dup2(handle, number)
    os.close(handle)


def went_on(folder: Path, process: object) -> list[str]:
    """What is wrong with a training that was to go on."""
    release(folder)
    process.join(120)  # type: ignore[attr-defined]
    done = ended(folder, process)  # type: ignore[arg-type]
    found = surviving.findings(folder, {})
    if done.code != 0:
        found.append(f"it ended with {done.code}")
    if (status := records.read(runs(folder)[0]).status) != "completed":
        found.append(f"the run is {status}")
    text = log(folder)
    told = [epoch for epoch in range(1, EPOCHS + 1) if f"epoch {epoch}/{EPOCHS}  " in text]
    return found + ([] if len(told) == EPOCHS else [f"the log tells of epochs {told} only"])


def apart(place: Path) -> None:
    """Let temporary folders of this process lie where a test looks for what it left."""
    tempfile.tempdir = str(place)
