"""The examples' tests go with the examples: where those were deleted, nothing in this folder is collected."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import commit, git, inside

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("conf", "src/lab", "splits", "data", ".dvc")
FILES = (
    *("train.py", "eval.py", "ablate.py"),
    *("pyproject.toml", "requirements.lock", "data.dvc", ".gitignore", ".dvcignore"),
)

collect_ignore_glob = [] if (ROOT / "conf" / "baseline.yaml").exists() else ["*"]


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it lies here, without its core and history, clean on a commit of its own."""
    folder = tmp_path_factory.mktemp("shipped") / "receipts"
    for name in SHARED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "cache", "tmp"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "start")
    return folder


@pytest.fixture
def here(shipped: Path) -> Iterator[Path]:
    """The repository, with the test standing in it."""
    with inside(shipped):
        yield shipped
