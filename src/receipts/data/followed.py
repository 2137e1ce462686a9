"""Whether what a dataset holds of train follows from lines of test, found out by changing those lines.

The dataset is built again from copies of its files in which some lines of test say what other lines of test say. Rows
of train stand in lines of their own, so they stay as they are, unless something was fitted on all rows: a range, ranks,
chosen columns, principal axes, what gaps were filled with. No code is read, so it does not matter whose it is.
"""

import contextlib
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Read = tuple[Array, Array]  # columns and labels

ARRAY = b"\x93NUMPY"  # how NumPy's files begin
LARGEST = 32 << 20  # bytes of all files together, unpacked
TOO_LARGE = f"its files hold more than {LARGEST >> 20} MiB"
HEADER = 2  # lines before the first row, at most
FEWEST, OTHERS = 20, 7  # rows of test that can tell, and lines that the changed ones are replaced by
EVERYWHERE = 0.9  # of the rows of train, changed by one half of test's lines or the other
SOME, ALIKE = 0.02, 0.8  # where fewer are: at least so many, and as good as the same ones by both halves
CLOSE = 1e-5  # of a column's spread, by which sums in another order differ


def columns(dataset: Any, found: Array, train: Array, test: Array, again: Callable[[], Read | str]) -> list[int] | str:
    """The columns of `found` `(N, columns)` that differ in rows of train once lines of test are others.

    `again` builds the dataset anew from the working folder and reads it, or says why it cannot. Labels are to change
    with their own lines alone, else rows do not stand in the order of lines. Where the question cannot be asked, the
    reason.
    """
    if len(test) < FEWEST:
        return f"test has {len(test)} rows, and fewer than {FEWEST} tell nothing"
    tables = Tables.of(dataset)
    if isinstance(tables, str):
        return tables
    targets = np.asarray(dataset.targets)
    moved: list[Array] = []
    for rows, others in ((test[::2], test[1::2]), (test[1::2], test[::2])):
        said = np.resize(others[:: max(1, len(others) // OTHERS)], len(rows))
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            tables.write(Path(folder), rows, said)
            now = again()
        if isinstance(now, str):
            return now
        if now[0].shape != found.shape:
            return "built from changed lines it has another shape"
        if not are_in_order(targets, now[1], rows, said):
            return "its labels do not change with the lines of their rows"
        moved.append(changed(found[train], now[0][train]))
    one, other = moved
    fitted = is_fitted(np.any(one, axis=1), np.any(other, axis=1))
    return [int(column) for column in np.flatnonzero(np.any(one | other, axis=0))] if fitted else []


def are_in_order(before: Array, now: Array, rows: Array, said: Array) -> bool:
    """Whether the changed rows have the labels of what they say now, and all others have theirs."""
    meant = before.copy()
    meant[rows] = before[said]
    return now.shape == before.shape and np.array_equal(meant, now) and not np.array_equal(before, now)


def is_fitted(one: Array, other: Array) -> bool:
    """Whether rows of train follow from test as a whole: what follows from neighbours changes with these alone."""
    if max(one.mean(), other.mean()) >= EVERYWHERE:
        return True
    both, either = int((one & other).sum()), int((one | other).sum())
    return both >= max(5, SOME * len(one)) and both >= ALIKE * either


def changed(before: Array, now: Array) -> Array:
    """Which values `(N, columns)` differ, those of columns aside in which categories were merely numbered anew."""
    spread = np.maximum(before.std(0, dtype=np.float64), 1e-30)
    differs = np.abs(before.astype(np.float64) - now) > CLOSE * spread
    for column in np.flatnonzero(differs.any(0)):
        pairs = np.unique(np.stack([before[:, column], now[:, column]]), axis=1)
        if (pairs == np.round(pairs)).all() and all(len(np.unique(side)) == pairs.shape[1] for side in pairs):
            differs[:, column] = False
    return np.asarray(differs)


class Tables:
    """A dataset's files; those with one line, or one element of the first axis, to a row can be changed."""

    def __init__(self, files: dict[str, bytes], packed: set[str], n: int) -> None:
        self.files, self.packed, self.n = files, packed, n

    @classmethod
    def of(cls, dataset: Any) -> "Tables | str":
        """The files as bytes; the reason where they are too large, lie elsewhere, or none has a line to a row."""
        names = [str(name) for name in dataset.files]
        if any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
            return "its files lie outside the project"
        if sum(Path(name).stat().st_size for name in names) > LARGEST:
            return TOO_LARGE
        files, packed = {}, set()
        for name in names:
            files[name] = Path(name).read_bytes()
            if files[name].startswith(b"\x1f\x8b"):
                with gzip.open(name) as unpacked:
                    files[name] = unpacked.read(LARGEST + 1)
                packed.add(name)
        if sum(map(len, files.values())) > LARGEST:
            return TOO_LARGE
        tables = cls(files, packed, len(dataset.ids))
        if not any(tables.has_rows(data) for data in files.values()):
            return "none of its files has a line, or an element of the first axis, to a row"
        return tables

    def has_rows(self, data: bytes) -> bool:
        """Whether a file has something to change for each row."""
        if data.startswith(ARRAY):
            return bool(array(data).shape[:1] == (self.n,))
        return b"\0" not in data and 0 <= len(data.splitlines()) - self.n <= HEADER

    def write(self, folder: Path, rows: Array, said: Array) -> None:
        """The files below a folder, each of the given rows saying what another one says."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if self.has_rows(data):
                data = with_elements(data, rows, said) if data.startswith(ARRAY) else self.with_lines(data, rows, said)
            path.write_bytes(gzip.compress(data, 1) if name in self.packed else data)

    def with_lines(self, data: bytes, rows: Array, said: Array) -> bytes:
        """A text whose last lines are the rows."""
        found = data.splitlines(keepends=True)
        top, was = len(found) - self.n, list(found)
        for row, other in zip(rows, said, strict=True):
            found[top + row] = was[top + other].rstrip(b"\r\n") + b"\n"
        return b"".join(found)


def with_elements(data: bytes, rows: Array, said: Array) -> bytes:
    """An array file whose first axis are the rows."""
    found, written = array(data), io.BytesIO()
    found[rows] = found[said]
    np.save(written, found)
    return written.getvalue()


def array(data: bytes) -> Array:
    """What an array file holds; nothing where it is damaged or holds objects."""
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except ValueError:
        return np.empty(0)
