"""What tests do with a project's folder: change files, commit them, read what runs left there."""

import csv
import json
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any


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
