"""Predictions that somebody may have sent: those that ask for more memory than there is are refused unread.

Nothing here packs a value other than by compressing its page, so that a file needs what its pages unpack to. What its
footer says of that may be made up; the headers of the pages are what a reader goes by, and they are what counts here.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from receipts.evaluation import storage
from receipts.evaluation.predictions import Predictions
from receipts.refusal import Refusal

PLAIN, RLE = 0, 3  # the encodings that are written here: values one after the other, truth values in runs
WIDTHS: Final = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}  # bytes of a value in memory; 8 for all others
HEAD, LONGEST_HEAD = 512, 2**17  # bytes that a page's header takes, nearly always, and with statistics of long texts
DEEPEST: Final = 12  # structures and lists within each other in a header or a footer; Parquet has eight
FOOTER: Final = 2**24  # bytes of a footer
NESTED: Final = 16  # columns within each other; here there are five, and Arrow takes some thousand to overflow a stack


def read(path: Path) -> Predictions:
    """Stored predictions, as `storage.read` has them; refused where they would not fit into this machine's memory."""
    refuse_packed(path)
    try:
        return storage.read(path)
    except (RecursionError, MemoryError, BufferError) as error:
        raise unreadable(path, f"{type(error).__name__}: {error}") from error


def refuse_packed(path: Path) -> None:
    """Refuse predictions that unpack to more than the memory that is free, or are packed as none are that we write."""
    import psutil
    from pyarrow import ArrowException

    try:
        needed = unpacked(path)
    except (ArrowException, OSError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise unreadable(path, f"{type(error).__name__}: {error}") from error
    if needed > (free := psutil.virtual_memory().available):
        raise Refusal(
            f"{path} unpacks to {needed:,} bytes",
            f"it holds {path.stat().st_size:,}, and {free:,} bytes of memory are free",
            "do not use it, if it came from somebody else; otherwise read it where there is more memory",
        )


def unreadable(path: Path, why: str) -> Refusal:
    """A file that nothing here has written."""
    return Refusal(f"{path} is not a readable predictions file", why, "restore it from MLflow or a backup")


def unpacked(path: Path) -> int:
    """Bytes that the columns of a Parquet file take in memory; raises `ValueError` where its pages are not plain ones.

    A page takes what it unpacks to, or a value for each that it counts, since empty ones are not stored. Lists of a
    fixed size take all of it, empty or not.
    """
    from pyarrow import parquet

    with path.open("rb") as source:
        deep = nesting(footer(source.fileno()).get(2, []))
    if deep > NESTED:
        raise ValueError(f"its columns lie {deep} deep within each other")
    with path.open("rb") as source, parquet.ParquetFile(source) as file:
        facts, handle = file.metadata, source.fileno()
        columns = [
            facts.row_group(group).column(column)
            for group in range(facts.num_row_groups)
            for column in range(facts.num_columns)
        ]
        stored = sum(
            max(size, values * WIDTHS.get(column.physical_type, 8))
            for column in columns
            for size, values in pages(handle, column)
        )
        return max(stored, int(facts.num_rows) * sum(width(field.type) for field in file.schema_arrow))


def footer(handle: int) -> dict[int, Any]:
    """What the end of a Parquet file says of it: field 2 lists its columns, each before those within it."""
    size = os.fstat(handle).st_size
    ending = os.pread(handle, 8, max(size - 8, 0))
    length = int.from_bytes(ending[:4], "little")
    if ending[4:] != b"PAR1" or not 0 < length <= min(FOOTER, size - 8):
        raise ValueError("its end is not that of a Parquet file")
    return structure(os.pread(handle, length, size - 8 - length))[0]


def nesting(columns: list[Any]) -> int:
    """How deep columns lie within each other: each is told with the number of those that follow within it."""
    deepest, left = 0, list[int]()
    for column in columns:
        while left and left[-1] <= 0:
            left.pop()
        if left:
            left[-1] -= 1
        left.append(column.get(5, 0))
        deepest = max(deepest, len(left))
    return deepest


def width(kind: Any) -> int:
    """Bytes of a row of a type at the least, whatever is empty in it."""
    from pyarrow import types

    if types.is_fixed_size_list(kind):
        return int(kind.list_size) * width(kind.value_type)
    if types.is_struct(kind):
        return sum(width(field.type) for field in kind.fields)
    return -(-kind.bit_width // 8) if types.is_primitive(kind) else 4


def pages(handle: int, column: Any) -> Iterator[tuple[int, int]]:
    """What each page of a column chunk unpacks to in bytes, and how many values it counts."""
    at, dictionary = column.data_page_offset, column.dictionary_page_offset
    at = dictionary if column.has_dictionary_page and 0 < dictionary < at else at  # as Arrow decides
    end = at + column.total_compressed_size
    while at < end:
        try:
            page, length = structure(os.pread(handle, HEAD, at))
        except IndexError:
            page, length = structure(os.pread(handle, LONGEST_HEAD, at))
        size, packed, counted = page[2], page[3], page.get(5, {})
        if page[1] != 0 or counted[2] not in (PLAIN, RLE) or min(size, packed, counted[1]) < 0:
            raise ValueError("its pages are packed in a way that is not used here")
        yield size, counted[1]
        at += length + packed


def structure(data: bytes, at: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A structure of Thrift's compact protocol, numbers and lists by field, texts left out, and where it ends.

    https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
    """
    found: dict[int, Any] = {}
    field = 0
    while head := data[at]:
        at, kind = at + 1, head & 15
        if step := head >> 4:
            field += step
        else:
            field, at = number(data, at)
        if kind in (1, 2):
            found[field] = kind == 1
        else:
            found[field], at = value(data, at, kind, depth + 1)
    return found, at + 1


def value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """A value of some kind, None for a text or a fraction, and where it ends."""
    if kind in (4, 5, 6):
        return number(data, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = number(data, at, signed=False)
        return None, at + length
    if kind == 9 and depth < DEEPEST:
        return listed(data, at, depth + 1)
    if kind == 12 and depth < DEEPEST:
        return structure(data, at, depth)
    raise ValueError("a header is none")


def listed(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    """A list of values of one kind, and where it ends."""
    size, kind, at = data[at] >> 4, data[at] & 15, at + 1
    if size == 15:
        size, at = number(data, at, signed=False)
    found = []
    for _ in range(size):
        one, at = value(data, at, kind, depth)
        found.append(one)
    return found, at


def number(data: bytes, at: int, signed: bool = True) -> tuple[int, int]:
    """A whole number of as many bytes as it needs, seven bits in each, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return ((value >> 1) ^ -(value & 1) if signed else value), at
        if shift > 63:
            raise ValueError("a header is none")
