"""What tests do with a project's folder: change files, commit them, read what runs left there."""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

from receipts.config import project as place


def git(folder: Path, *words: str) -> str:
    """Run git as nobody in particular."""
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str = "change") -> None:
    """Commit everything there is."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


def write(folder: Path, name: str, text: str) -> None:
    """Write a file of the project; the text may be indented like the test it stands in."""
    (folder / name).write_text(dedent(text).lstrip("\n"))


def runs(folder: Path) -> list[Path]:
    """The run folders, newest first; ids are stamped by the second, and forked runs are faster than that."""
    found = [path.parent for path in folder.glob("runs/*/record.json")]
    return sorted(found, key=lambda run: (run.name[:15], begun(run)), reverse=True)


def begun(run: Path) -> int:
    """When a run began, in nanoseconds: its config is written once, at the start."""
    config = run / "config.yaml"
    return config.stat().st_mtime_ns if config.exists() else 0


def record(folder: Path, number: int = 0) -> dict[str, Any]:
    """What a run left in its record: the newest, or the n-th before it."""
    return json.loads((runs(folder)[number] / "record.json").read_text())


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@contextmanager
def inside(folder: Path) -> Iterator[Path]:
    """Stand in a project, with its own settings."""
    before = Path.cwd()
    os.chdir(folder)
    place.settings.cache_clear()
    try:
        yield folder
    finally:
        os.chdir(before)
        place.settings.cache_clear()


def shipped_data(folder: Path, *names: str) -> None:
    """Real tables that scikit-learn ships, in the project's data/."""
    found = find_spec("sklearn")
    assert found is not None
    assert found.origin is not None
    (folder / "data").mkdir()
    for name in names:
        shutil.copy(Path(found.origin).parent / "datasets" / "data" / name, folder / "data")


def lasting(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what two runs of one identity may differ in: names, times, costs, what the machine has left."""
    found: dict[str, Any] = json.loads(json.dumps(record))
    for key in ("run_id", "command", "started", "heartbeat", "ended", "process", "lives", "cost"):
        del found[key]
    for score in found["scores"]:
        del score["at"]
    for check in found["checks"]:
        if check["code"] in ("disk-room", "memory-room", "time-limit", "cannot-learn-a-batch"):
            del check["evidence"]
    return found
