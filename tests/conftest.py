"""Fixtures: small projects of the tests' own, and the entry scripts started in them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folders import commit, git, inside, shipped_data
from launching import Ended, launch

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("digits.csv.gz", "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project, with real data under a data.dvc, split, and committed."""
    folder = tmp_path_factory.mktemp("template") / "small"
    shutil.copytree(ROOT / "tests" / "projects" / "small", folder)
    for script in ("train.py", "eval.py", "ablate.py"):
        shutil.copy(ROOT / script, folder)
    shipped_data(folder, *SHIPPED)
    git(folder, "init", "-q", "-b", "main")
    pointer = "outs:\n- md5: {}\n  hash: md5\n  path: data\n"
    (folder / "data.dvc").write_text(pointer.format(folder_checksum(folder)))
    for name in ("digits", "diabetes", "lazy", "module"):
        assert (done := launch(folder, "receipts", "split", name)).code == 0, done.err
    commit(folder, "start")
    return folder


def folder_checksum(folder: Path) -> str:
    from receipts.provenance.checksums import folder_md5

    with inside(folder):
        return folder_md5(Path("data"))


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A fresh copy of the small project, clean on its first commit."""
    folder = tmp_path / "project"
    shutil.copytree(template, folder)
    return folder


@pytest.fixture
def here(project: Path) -> Iterator[Path]:
    """That copy, with the test standing in it."""
    with inside(project):
        yield project


@pytest.fixture
def run(project: Path) -> Callable[..., Ended]:
    """Start a script of the project: `run("train.py", "conf=net")`."""

    def start(script: str, *words: str, **options: object) -> Ended:
        return launch(project, script, *words, **options)  # type: ignore[arg-type]

    return start
