"""The rest of the repository stands without its examples: src/lab emptied, experiments and datasets deleted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from folders import commit, git, write
from launching import launch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the work tree in which the researcher has deleted the examples and has nothing yet instead."""
    folder = tmp_path_factory.mktemp("emptied") / "receipts"
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "data", folder / "data")
    for pattern in ("conf/*.yaml", "conf/data/*.yaml", "src/lab/*.py", "results/*", "splits/*"):
        for path in folder.glob(pattern):
            path.unlink()
    write(folder, "src/lab/__init__.py", '"""Nothing yet."""\n')
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "start")
    return folder


def test_every_other_test_is_still_collected(emptied: Path) -> None:
    collect = "import pytest\nraise SystemExit(pytest.main(['--collect-only', '-q', '--assert=plain']))\n"
    write(emptied, "collect.py", collect)
    done = launch(emptied, "collect.py")
    assert done.code == 0, done.out
    for part in ("config/", "evaluation/", "runs/", "test_scripts.py", "test_mistakes.py", "test_damage.py"):
        assert f"tests/{part}" in done.out
    assert "tests/lab/" not in done.out


@pytest.mark.slow
def test_every_other_test_still_passes(emptied: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(emptied / "src")}
    command = [sys.executable, "-m", "pytest", "-m", "not slow", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=emptied, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
