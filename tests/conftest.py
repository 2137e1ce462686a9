"""Fixtures: small projects of the tests' own, and the entry scripts started in them."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from folders import inside
from launching import Ended, launch
from serving import Postgres, Server, lacking
from template import small


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """No test depends on what others drew before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - this is what others draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project, with real data under a data.dvc, split, and committed."""
    return small(tmp_path_factory.mktemp("template") / "small")


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
