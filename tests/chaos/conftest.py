"""Fixtures: the small project with everything that is killed in it."""

from pathlib import Path

import pytest
import template


@pytest.fixture
def reporting(project: Path) -> Path:
    """The small project with a report, and without runs."""
    return template.reporting(project)
