"""A clock that is set back under a run."""

from pathlib import Path

import clocks
import pytest


@pytest.mark.slow
@pytest.mark.skipif(clocks.library() is None, reason="libfaketime is not installed: apt-get install faketime")
def test_a_clock_that_jumps_back_loses_nothing(project: Path) -> None:
    assert clocks.jump_back(project) == []
