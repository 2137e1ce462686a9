"""Every test here ends with a look: no code from outside has run, and nothing beyond the project is new or changed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from traps import SMALL, Trap

from receipts.config import project as place


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    """The working folder of a test: a small project, beside which lies what is none of its business."""
    shutil.copytree(SMALL, tmp_path / "project")
    (tmp_path / "project/train.py").touch()
    (tmp_path / "victim").write_text("not yours\n")
    monkeypatch.chdir(tmp_path / "project")
    place.settings.cache_clear()
    yield Trap(tmp_path / "project", tmp_path / "canary", tmp_path / "victim")
    place.settings.cache_clear()
    assert not (tmp_path / "canary").exists(), "code from outside ran"
    assert (tmp_path / "victim").read_text() == "not yours\n"
    assert {path.name for path in tmp_path.iterdir()} == {"project", "victim"}, "something was written outside"
