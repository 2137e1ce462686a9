"""Whether code that trains goes to the files by itself, past the rows that it was handed."""

import os
from collections.abc import Iterator

import numpy as np

from receipts.checks.catalogue import failed, passed
from receipts.data.manifest import Manifest
from receipts.data.sealed import Subset
from receipts.provenance import opened
from receipts.runs.record import Check

NAME = "test-sealed"


def audit(train: Subset, manifest: Manifest) -> Iterator[Check]:
    """A verdict for arrays in memory, whose files nobody has to open again once the splits are; else none is new."""
    if isinstance(train.inputs, np.ndarray | dict):
        yield verdict(manifest)


def verdict(manifest: Manifest) -> Check:
    """Which of the dataset's files were opened since its splits were."""
    own = {os.path.realpath(file): file for file in manifest.files}
    again = sorted({own[path] for each in opened.since() if (path := os.path.realpath(each)) in own})
    if again:
        return failed(NAME, f"{', '.join(again)} was opened again by code that trains; it holds rows of test")
    return passed(NAME, "test rows were handed to nobody, and no file of the data was opened again")
