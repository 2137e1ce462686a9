"""The files of one run on a tracking server."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from receipts.refusal import Refusal
from receipts.runs.answers import Client


@dataclass
class Shelf:
    """What a server has of a run; it is asked once for the names in each folder."""

    files: Client
    listed: dict[str, set[str]] = field(default_factory=dict)

    def fetch(self, name: str, digest: str, folder: Path) -> Path:
        """One file into a folder, under its own name; refused unless it holds what was sent."""
        path = self.download(name, folder)
        if path is None or sha256(path) != digest:
            raise Refusal(f"{name} is not the one that was sent", f"sha256 {digest[:12]}… was stated of it", "")
        return path

    def download(self, name: str, folder: Path) -> Path | None:
        """One file, whatever it holds; None where the server has none."""
        if name not in self.names(os.path.dirname(name)):  # noqa: PTH120 - the name of an artifact, not of a file here
            return None
        with tempfile.TemporaryDirectory(dir=folder) as place:
            found = Path(self.files.download_artifacts(name, place))
            if not found.is_file() or found.is_symlink():
                return None
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(found, folder / name)
        return folder / name

    def names(self, parent: str) -> set[str]:
        """The files and folders in a folder of the run, with their whole names."""
        if parent not in self.listed:
            self.listed[parent] = {str(entry.path) for entry in self.files.list_artifacts(parent or None)}
        return self.listed[parent]


def sha256(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
