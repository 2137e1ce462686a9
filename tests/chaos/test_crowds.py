"""Many processes at once lose nothing and write nothing twice."""

from pathlib import Path

import crowds
import pytest


def test_of_identical_launches_one_runs(project: Path) -> None:
    assert crowds.identical(project, times=1) == []


def test_64_runs_by_8_writers(reporting: Path) -> None:
    assert crowds.writers(reporting, 64) == []


@pytest.mark.slow
def test_1000_runs_by_8_writers(reporting: Path) -> None:
    assert crowds.writers(reporting) == []


@pytest.mark.slow
def test_16_runs_at_once_on_a_fresh_store(project: Path) -> None:
    assert crowds.sixteen(project) == []
