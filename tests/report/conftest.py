"""A project to report from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import inside, project


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """A project with three experiments, and the working folder; nothing was run in it."""
    with inside(project(tmp_path / "lab", "linear", "net", "wide")) as folder:
        yield folder
