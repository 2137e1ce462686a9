"""Predictions that are small on disk and would fill the memory, or whose pages are none: refused unread."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pytest
from evidence import predicted
from pyarrow import parquet
from traps import Trap

from receipts.evaluation import received
from receipts.evaluation.storage import FORMAT, write
from receipts.refusal import Refusal

ROWS = 1000
TEXTS = pa.array(["x" * 50_000] * ROWS)


def header(shapes: dict[str, list[int]]) -> dict[bytes, bytes]:
    return {FORMAT: json.dumps({"schema": 1, "shapes": shapes, "metadata": {}}).encode()}


def written(path: Path, column: Any, **how: Any) -> None:
    table = pa.table({"sample_id": column}).replace_schema_metadata(header({}))
    parquet.write_table(table, path, **{"compression": "zstd", "use_dictionary": False} | how)


def nested(depth: int) -> bytes:
    """A Parquet file without rows whose only column lies so many columns deep, the file itself being the first."""
    count, columns = depth, b""
    while count > 127:
        columns, count = columns + bytes([count & 127 | 128]), count >> 7
    columns += bytes([count]) + b"\x48\x01s\x15\x02\x00"  # its name, and one column within it
    columns += b"\x35\x02\x18\x01a\x15\x02\x00" * (depth - 2) + b"\x15\x02\x25\x02\x18\x01x\x00"
    footer = b"\x15\x04\x19\xfc" + columns + b"\x16\x00\x19\x0c\x00"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


PACKED: dict[str, Callable[[Path], None]] = {
    "one text for every row": lambda path: written(path, TEXTS, use_dictionary=True),
    "texts that share their beginnings": lambda path: written(
        path, TEXTS, column_encoding={"sample_id": "DELTA_BYTE_ARRAY"}
    ),
    "pages of another version": lambda path: written(path, TEXTS, data_page_version="2.0"),
}


@pytest.mark.parametrize("case", PACKED)
def test_predictions_that_are_packed_as_none_of_ours_are_refused(trap: Trap, case: str) -> None:
    PACKED[case](path := trap.project / "val.parquet")
    assert path.stat().st_size < 0.01 * ROWS * 50_000
    with pytest.raises(Refusal, match="is not a readable predictions file") as refused:
        received.read(path)
    assert "its pages are packed in a way that is not used here" in refused.value.why


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
def test_predictions_that_unpack_to_more_than_the_free_memory_are_refused(
    trap: Trap, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    written(path := trap.project / "val.parquet", TEXTS, compression=compression)
    assert 1.0 < received.unpacked(path) / (ROWS * 50_000) < 1.01
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=ROWS * 50_000))
    with pytest.raises(Refusal, match=r"unpacks to 50,\d{3},\d{3} bytes"):
        received.read(path)
    written(path, pa.nulls(10**7, pa.string()))
    with pytest.raises(Refusal, match="unpacks to"):
        received.read(path)


def test_a_list_takes_its_fixed_size_for_every_row(trap: Trap) -> None:
    kind = pa.struct([("map", pa.list_(pa.float64(), 100)), ("name", pa.string()), ("sure", pa.bool_())])
    assert received.width(kind) == 800 + 4 + 1


def test_a_file_whose_pages_are_none_is_refused(trap: Trap) -> None:
    """Every byte of a small file, one after the other, is another one: read as it is, or refused."""
    write(predicted(0, 1.0, ""), path := trap.project / "val.parquet")
    honest = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in [*range(40), *rng.integers(0, len(honest), 300).tolist(), *range(len(honest) - 12, len(honest))]:
        path.write_bytes(honest[:at] + bytes([honest[at] ^ int(rng.integers(1, 256))]) + honest[at + 1 :])
        try:
            received.read(path)
        except Refusal:
            continue


@pytest.mark.parametrize("depth", [17, 100_000])
def test_columns_that_lie_deep_within_each_other_are_refused_before_they_end_the_process(
    trap: Trap, depth: int
) -> None:
    (path := trap.project / "val.parquet").write_bytes(nested(depth))
    with pytest.raises(Refusal, match="is not a readable predictions file") as refused:
        received.read(path)
    assert f"its columns lie {depth} deep" in refused.value.why


@pytest.mark.parametrize(
    "data", [b"", b"\x15", b"\xff" * 99, b"\x18\xff\xff\x03", b"\x1c" * 99, b"\x13", b"\x05\x02\x02\x00"], ids=bytes.hex
)
def test_a_header_that_ends_nowhere_is_none(data: bytes) -> None:
    if data == b"\x05\x02\x02\x00":
        assert received.structure(data) == ({1: 1}, 4)
        return
    with pytest.raises((ValueError, IndexError)):
        received.structure(data)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": 1}', '{"schema": 1, "shapes": {"value": [-1, -1]}}', "5"])
def test_a_header_of_ours_that_is_none_is_refused(trap: Trap, text: str) -> None:
    table = pa.table({"sample_id": ["a"], "value": [1.0]}).replace_schema_metadata({FORMAT: text.encode()})
    parquet.write_table(table, path := trap.project / "val.parquet", use_dictionary=False)
    with pytest.raises(Refusal, match="is not a readable predictions file"):
        received.read(path)
