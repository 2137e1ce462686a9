"""Room for what is about to start."""

from types import SimpleNamespace

import pytest

from receipts.training.preflight import room


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.psutil, "virtual_memory", lambda: SimpleNamespace(available=2**30, total=2**31))
    assert room.in_memory(2**20).verdict == "pass"
    short = room.in_memory(2**27)
    assert (short.verdict, "2,048 MiB" in short.evidence) == ("fail", True)
    assert room.in_memory(None).verdict == "not applicable"
