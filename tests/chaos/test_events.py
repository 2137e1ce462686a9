"""What befalls a training from outside, each event once."""

from pathlib import Path

import clocks
import leaving
import media
import pytest

EVENTS = leaving.EVENTS | media.EVENTS | clocks.EVENTS
LONG = ("SQLite locked", "read-only folder", "record cut short")  # of which other tests have the short form


@pytest.mark.parametrize("event", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in EVENTS])
def test_nothing_is_lost(event: str, project: Path) -> None:
    assert EVENTS[event](project) == []


@pytest.mark.slow
@pytest.mark.skipif(clocks.libfaketime() is None, reason="no libfaketime here; docs/records.md says where to get it")
def test_nothing_is_lost_when_libfaketime_sets_the_clock_back(project: Path) -> None:
    assert clocks.jump_back_by_library(project) == []
