"""Whether code that trains goes to the files by itself, past the rows that it was handed."""

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from receipts.checks.catalogue import failed, passed
from receipts.data.manifest import Manifest
from receipts.data.sealed import Subset
from receipts.provenance import opened
from receipts.runs.record import Check

NAME = "test-sealed"
TEXT = {".txt", ".csv", ".tsv", ".json", ".yaml", ".yml", ".names", ".labels"}
HALF = 2  # so many rows of test to a line, and lines are no list of rows


def audit(train: Subset, manifest: Manifest) -> Iterator[Check]:
    """A verdict for arrays in memory, whose files nobody has to open again once the splits are; else none is new."""
    if isinstance(train.inputs, np.ndarray | dict):
        yield verdict(manifest)


def verdict(manifest: Manifest) -> Check:
    """Which of the dataset's files were opened since its splits were, those aside that are too short for rows."""
    own = {os.path.realpath(file): file for file in manifest.files}
    again = sorted({own[path] for each in opened.since() if (path := os.path.realpath(each)) in own})
    rows = manifest.splits["test"].n or 0
    if told := [file for file in again if holds_rows(Path(file), rows)]:
        return failed(NAME, f"{', '.join(told)} was opened again by code that trains; it holds rows of test")
    seen = f"; {', '.join(again)} was read again, too short to hold {rows} rows of test" if again else ""
    return passed(NAME, f"test rows were handed to nobody, and no file of them was opened again{seen}")


def holds_rows(path: Path, rows: int) -> bool:
    """Whether a file may tell something of so many rows: a list of class names has fewer letters, or few short lines.

    What is no text, or compressed otherwise than by gzip, may hold anything.
    """
    packed = path.suffix == ".gz"
    if (path.with_suffix("") if packed else path).suffix not in TEXT:
        return True
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            lines = letters = 0
            for line in file:
                lines, letters = lines + 1, letters + len(line)
                if letters >= rows and (lines * HALF >= rows or len(line) >= rows):
                    return True
    except (OSError, EOFError, zlib.error):  # damaged, or no gzip at all
        return True
    return False
