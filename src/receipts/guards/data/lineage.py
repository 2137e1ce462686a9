"""Rows that the weights of `fit.init_from` have learnt from, held against those that are held back now."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from receipts.checks.catalogue import failed, not_applicable, not_run, passed
from receipts.config.project import RUNS
from receipts.config.schema import Config
from receipts.data import stored
from receipts.data.manifest import Manifest
from receipts.provenance import code, git
from receipts.refusal import Refusal
from receipts.runs import record
from receipts.runs.record import Check, Record

Array = np.ndarray[Any, Any]

NAME = "weights-saw-held-back"
COPIED = 0.002  # share of a split, as for copies
FEWEST = 3


def audit(manifest: Manifest, config: Config) -> Iterator[Check]:
    """Whether any run that the first weights descend from trained on rows of today's val or test."""
    origin = config.fit.init_from
    if not isinstance(origin, dict):
        yield not_applicable(NAME, "training begins from no other run's weights")
    elif manifest.facts is None:
        yield not_run(NAME, "of a DataModule's train rows no hashes are kept")
    else:
        yield verdict(manifest, str(origin["run"]))


def verdict(manifest: Manifest, run_id: str) -> Check:
    """The rows of val and test of today among the train rows of each run that the weights went through."""
    now = stored.read(manifest)["x"]
    rows, told = stored.rows(manifest), []
    for ancestor in ancestors(run_id):
        learnt = train_hashes(ancestor)
        if learnt is None:
            return not_run(NAME, f"the manifest that {ancestor.run_id} was made by is not at hand any more")
        for split in ("val", "test"):
            n = shared(now[rows[split]], learnt)
            own = shared(now[rows[split]], now[rows["train"]])  # copies are another check's
            if n > own and n >= max(FEWEST, COPIED * len(rows[split])):
                told.append(f"{ancestor.run_id} trained on {n} of the {len(rows[split])} rows that are {split} now")
    return failed(NAME, "; ".join(told)) if told else passed(NAME, f"{run_id} and its parents saw none of val and test")


def ancestors(run_id: str) -> Iterator[Record]:
    """The runs whose weights came first, the nearest before the others."""
    seen: set[str] = set()
    while run_id and run_id not in seen and (RUNS / run_id / "record.json").is_file():
        found = record.read(RUNS / run_id)
        seen.add(run_id)
        yield found
        run_id = found.parent or ""


def train_hashes(ancestor: Record) -> Array | None:
    """Hashes of the rows that a run trained on, from its own manifest; None where that or its hashes are gone."""
    data = committed(Path(ancestor.data.manifest), ancestor.identity.split, ancestor.code.commit)
    if data is None:
        return None
    then = msgspec.json.decode(data, type=Manifest)
    if then.facts is None:
        return None
    try:
        kept, rows = stored.read(then), stored.rows(then)
    except Refusal:  # its hashes were written over by a later division
        return None
    return np.asarray(kept["x"][rows["train"]])


def committed(path: Path, sha256: str, commit: str) -> bytes | None:
    """A file by its checksum: as it lies here, or as it was in a commit."""
    here = path.read_bytes() if path.is_file() else b""
    for data in (here, git.git("show", f"{commit}:{path.as_posix()}") or b""):
        if data and code.sha256(data) == sha256:
            return data
    return None


def shared(some: Array, others: Array) -> int:
    """How many hashes stand among others; whole ones and shortened ones by the bytes that both kept."""
    width = min(part.shape[1] if part.ndim > 1 else stored.WHOLE for part in (some, others))
    one, other = (short(part, width) for part in (some, others))
    return int(np.isin(one, other).sum())


def short(hashes: Array, width: int) -> Array:
    """Hashes as numbers of so many bytes."""
    whole = hashes if hashes.ndim > 1 else hashes.astype(">u8").view(np.uint8).reshape(-1, stored.WHOLE)
    padded = np.zeros((len(whole), stored.WHOLE), np.uint8)
    padded[:, :width] = whole[:, :width]
    return np.asarray(padded.view(">u8").reshape(-1))
