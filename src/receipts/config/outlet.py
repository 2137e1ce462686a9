"""Standard streams that outlive their reader: after `train.py | head`, or in a closed terminal, the run goes on."""

import errno
import io
import os
import signal
import stat
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

GONE = (errno.EPIPE, errno.EIO)  # nobody reads the pipe any more; the terminal was closed


class Outlet(io.FileIO):
    """A pipe or a terminal; once nobody is at its other end, what is written to it goes nowhere instead of raising."""

    def write(self, data: "Buffer", /) -> int:
        """Write bytes, or say that they were."""
        try:
            return super().write(data) or 0
        except OSError as error:
            if error.errno not in GONE:
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data) or 0


def outlive_reader() -> None:
    """Let the program survive the end of whoever reads what it prints: a pipe's reader, a terminal's window."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # sent when a terminal closes; Ctrl-C and SIGTERM are what ends a run
    sys.stdout, sys.stderr = lasting(sys.stdout), lasting(sys.stderr)


def lasting(stream: TextIO) -> TextIO:
    """The same stream, made to last where it is a pipe, a socket or a terminal; files need nothing."""
    try:
        number = stream.fileno()
        mode = os.fstat(number).st_mode
        last = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()
    except (AttributeError, OSError, ValueError):  # there is none, or it is no file
        return stream
    if not last:
        return stream
    stream.flush()
    buffered = io.BufferedWriter(Outlet(number, "w", closefd=False))
    line_buffering = bool(getattr(stream, "line_buffering", False))
    return io.TextIOWrapper(buffered, stream.encoding, stream.errors, line_buffering=line_buffering)
