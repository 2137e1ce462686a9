"""What befalls a training from outside, each event once."""

from pathlib import Path

import leaving
import media
import pytest

EVENTS = leaving.EVENTS | media.EVENTS
LONG = ("SQLite locked",)  # for a minute; the tests of tracking lock it for seconds


@pytest.mark.parametrize("event", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in EVENTS])
def test_nothing_is_lost(event: str, project: Path) -> None:
    assert EVENTS[event](project) == []
