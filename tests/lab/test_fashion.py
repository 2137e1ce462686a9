"""Fashion-MNIST from a mirror: fetched, verified, mapped, divided as its authors did."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from receipts.config import project
from receipts.config.compose import data_plan
from receipts.data import manifest, protocol, stored
from receipts.provenance import checksums

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    "RECEIPTS_MIRROR" not in os.environ, reason="RECEIPTS_MIRROR is not set, and tests download nothing"
)


def test_what_is_fetched_is_what_the_manifest_divides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.fashion import FashionMNIST, ToUnit

    paths = FashionMNIST.fetch(str(tmp_path))
    assert not (tmp_path / "raw").exists(), "a mirror is read in place"
    assert all(path.stat().st_mode & 0o222 == 0 for path in paths), "raw data are read-only"
    dataset = FashionMNIST(str(tmp_path))
    protocol.check(dataset)
    assert isinstance(dataset.inputs, np.memmap)
    assert (dataset.inputs.shape, dataset.inputs.dtype) == ((70_000, 1, 28, 28), np.uint8)
    assert ToUnit()(dataset.inputs[:2]).dtype == np.float32

    monkeypatch.chdir(ROOT)
    project.settings.cache_clear()
    monkeypatch.setattr(manifest, "refuse_missing", lambda found: None)  # derived/ need not be made here
    _, found = manifest.load(data_plan("fashion"), "test")
    assert list(found.files.values()) == [f"md5:{checksums.md5(path)}" for path in paths]
    hashes, rows = stored.read(found), stored.rows(found)
    assert {name: len(part) for name, part in rows.items()} == {"train": 50_000, "val": 10_000, "test": 10_000}
    assert set(rows["test"]) == set(dataset.official["test"])
    some = rows["test"][::100]
    assert stored.changed(stored.digests(dataset.inputs[row] for row in some), hashes["x"][some]).size == 0
    locked = (ROOT / "derived/fashion-mnist/dvc.lock").read_text()
    assert all(hashlib.md5(path.read_bytes()).hexdigest() in locked for path in paths)
