"""Signals that ask a program to end are heard wherever they come, and answered by cleaning up."""

import os
import signal
import sys
import threading

import pytest

from receipts.config.signals import heed, stop


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_that_comes_where_python_ignores_exceptions(
    sent: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def __del__(self) -> None:
            os.kill(os.getpid(), sent)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    try:
        heed()
        assert signal.getsignal(signal.SIGTERM) is stop
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises((SystemExit, KeyboardInterrupt)):  # noqa: PT012 - it comes whenever it comes
            Interrupted()
            threading.Event().wait(5)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert capsys.readouterr().err == ""
