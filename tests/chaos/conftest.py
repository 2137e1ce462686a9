"""Fixtures: the small project with everything that is killed in it."""

import shutil
from pathlib import Path

import pytest
from folders import commit

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def reporting(project: Path) -> Path:
    """The small project with a report, and without runs."""
    shutil.copy(ROOT / "report.py", project)
    commit(project)
    return project
