"""Fixtures: small projects of the tests' own, and the entry scripts started in them."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from folders import commit, git
from launching import Ended, launch
from serving import Postgres, Server, lacking

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("digits.csv.gz", "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project, with real data under a data.dvc, split, and committed."""
    folder = tmp_path_factory.mktemp("template") / "small"
    shutil.copytree(ROOT / "tests" / "projects" / "small", folder)
    for script in ("train.py", "eval.py", "ablate.py"):
        shutil.copy(ROOT / script, folder)
    (folder / "data").mkdir()
    sklearn = find_spec("sklearn")
    assert sklearn is not None
    assert sklearn.origin is not None
    for name in SHIPPED:
        shutil.copy(Path(sklearn.origin).parent / "datasets" / "data" / name, folder / "data")
    git(folder, "init", "-q", "-b", "main")
    pointer = "outs:\n- md5: {}\n  hash: md5\n  path: data\n"
    (folder / "data.dvc").write_text(pointer.format(folder_checksum(folder)))
    for name in ("digits", "diabetes", "lazy", "module"):
        assert (done := launch(folder, "receipts", "split", name)).code == 0, done.err
    commit(folder, "start")
    return folder


def folder_checksum(folder: Path) -> str:
    import os

    from receipts.provenance.checksums import folder_md5

    here = Path.cwd()
    os.chdir(folder)
    try:
        return folder_md5(Path("data"))
    finally:
        os.chdir(here)


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A fresh copy of the small project, clean on its first commit."""
    folder = tmp_path / "project"
    shutil.copytree(template, folder)
    return folder


@pytest.fixture
def run(project: Path) -> Callable[..., Ended]:
    """Start a script of the project: `run("train.py", "conf=net")`."""

    def start(script: str, *words: str, **options: object) -> Ended:
        return launch(project, script, *words, **options)  # type: ignore[arg-type]

    return start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A team's MLflow server, one for the whole session: on PostgreSQL where there is one, on SQLite elsewhere."""
    database = None if lacking() else Postgres()
    if database:
        database.start()
    made = Server(tmp_path_factory.mktemp("server"), database.address if database else "")
    made.start()
    yield made
    made.kill()
    if database:
        database.stop()
