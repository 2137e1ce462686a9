"""A plan that several tests look at."""

import shutil
from pathlib import Path

import pytest
from ablating import SMOKE, ablate
from launching import Ended


@pytest.fixture(scope="session")
def ablated(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A project in which dropout was ablated over two seeds, and what that said."""
    folder = tmp_path_factory.mktemp("ablated") / "project"
    shutil.copytree(template, folder)
    done = ablate(folder, "override=model.dropout=0", *SMOKE)
    assert done.code == 0, done.err + done.out
    return folder, done


@pytest.fixture
def copied(ablated: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    return shutil.copytree(ablated[0], tmp_path / "copied")
