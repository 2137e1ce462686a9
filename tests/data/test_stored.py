"""What lies beside a manifest: hashes, shortened where git would choke on them, and scattered rows."""

from pathlib import Path

import numpy as np
import pytest
from tables import Table, divided, plan

from receipts.config.schema import Split
from receipts.data import splits, stored
from receipts.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def hashes(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**64, n, dtype=np.uint64)


@pytest.mark.parametrize(("n", "kept"), [(1000, 8), (70_000, 5), (200_000, 8)])
def test_hashes_are_shortened_only_where_that_keeps_them_in_git(n: int, kept: int) -> None:
    x, y = hashes(n), hashes(10)[np.arange(n) % 10]
    found = stored.write("table", x, y, {})
    size = Path("splits/table.npz").stat().st_size
    assert (size <= stored.LARGE) == (n < 100_000)
    assert found.algorithm == stored.ALGORITHM[kept]
    with np.load("splits/table.npz") as file:
        then = file["x"]
    assert stored.changed(x, then).size == 0
    other = x.copy()
    other[[3, 77]] ^= np.uint64(1 << 40)
    assert stored.changed(other, then).tolist() == [3, 77]


def test_scattered_rows_are_stored_and_few_ranges_spelt_out() -> None:
    table = Table(3000)
    assert divided(table).splits["val"].rows == [(1800, 2400)]
    drawn = plan()
    drawn = type(drawn)(drawn.name, drawn.call, Split("stratified", drawn.split.shares, seed=0), drawn.task)
    ((_, manifest),) = splits.make(drawn, table)
    assert {name: part.rows for name, part in manifest.splits.items()} == {"train": None, "val": None, "test": None}
    found = stored.rows(manifest)
    assert {name: len(rows) for name, rows in found.items()} == {"train": 1800, "val": 600, "test": 600}
    assert sorted(np.concatenate(list(found.values()))) == list(range(3000))
    Path("splits/table.npz").write_bytes(b"?")
    with pytest.raises(Refusal, match="is not the file its manifest names"):
        stored.rows(manifest)
