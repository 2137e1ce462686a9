"""Signals that ask a program to end: SIGTERM is answered like Ctrl-C, by an exception that lets everybody clean up."""

import os
import signal
import sys
import threading
from types import FrameType

STOPPED = 128  # exit codes of ended programs begin here


def heed() -> None:
    """Let SIGTERM end this process as Ctrl-C does, wherever it comes."""
    signal.signal(signal.SIGTERM, stop)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = ask_again


def is_asked(code: object) -> bool:
    """Whether a program that ends with this code was asked to, by a signal; others were ended from within."""
    return isinstance(code, int) and code > STOPPED


def stop(number: int, frame: FrameType | None) -> None:
    """End as SIGTERM asks. A run that is under way is left as it is, and shows as stale."""
    raise SystemExit(STOPPED + number)


def ask_again(ignored: "sys.UnraisableHookArgs") -> None:
    """Send a signal again that came in a destructor or a weak reference's callback: Python ignores what these raise."""
    asked = {SystemExit: signal.SIGTERM, KeyboardInterrupt: signal.SIGINT}.get(ignored.exc_type)
    if asked is None:
        sys.__unraisablehook__(ignored)
        return
    later = threading.Timer(0.05, os.kill, (os.getpid(), asked))  # what this function raises would be ignored as well
    later.daemon = True
    later.start()
