"""Standard output that outlives its reader: `python train.py | head` shows ten lines, and the run goes on."""

import io
import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


class Outlet(io.FileIO):
    """A pipe; once nobody reads any more, what is written to it goes nowhere instead of raising."""

    def write(self, data: "Buffer", /) -> int:
        """Write bytes, or say that they were."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data) or 0


def outlive_reader() -> None:
    """Let standard output, where it is a pipe, survive the end of whoever reads it."""
    try:
        number = sys.stdout.fileno()
        pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
    except (AttributeError, OSError, ValueError):  # there is none, or it is no file
        return
    if pipe:
        sys.stdout.flush()
        buffered = io.BufferedWriter(Outlet(number, "w", closefd=False))
        sys.stdout = io.TextIOWrapper(
            buffered, sys.stdout.encoding, sys.stdout.errors, line_buffering=bool(sys.stdout.line_buffering)
        )
