"""Files that are whole or absent, whenever the power goes."""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from receipts.refusal import Refusal

RESERVE = ".reserve"  # kept free by a run under way, for its last words on a full disk
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LOOK_AT_IT = "dmesg, or whoever keeps the machine, tells what is wrong with this one"
BROKEN = (errno.EIO, errno.ESTALE)  # a disk that fails, or a share whose server has lost the file


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Make a folder; what is done inside is refused, not crashed, where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise Refusal(
            f"{folder}/ cannot be written", f"{error.strerror}: {error.filename}", f"chmod -R u+w {folder}"
        ) from error


@contextmanager
def roomy(folder: Path) -> Iterator[None]:
    """What is done inside is refused, not crashed, where the disk of a folder is full, or fails."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL + BROKEN:
            raise
        is_full = error.errno in FULL
        raise Refusal(
            f"{folder}/ is on a {'full disk' if is_full else 'disk that answers with errors'}",
            f"{error.strerror}: what is there stays as it is",
            "make room" if is_full else f"copy what is there to another disk      ({LOOK_AT_IT})",
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name, flush to the disk, rename; a reader sees the old file or the new one."""
    with writable(path.parent):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:  # interrupted too: no half-written file stays behind
        Path(temporary).unlink(missing_ok=True)
        raise


def remember(path: Path, content: bytes) -> None:
    """Write a file that only saves time, in a folder that processes share, if it can be written.

    What killed ones were about to rename to it goes; so may that of a live one, which then remembers nothing.
    """
    with suppress(OSError, Refusal):
        for left in path.parent.glob(f".{path.name}.????????"):
            left.unlink(missing_ok=True)
        write_atomically(path, content)


def sweep(folder: Path) -> None:
    """Remove what killed processes were about to rename; whoever calls it knows that nobody writes there now."""
    for path in folder.rglob(".*"):
        if path.is_file() and (re.fullmatch(r"\..+\.[a-z0-9_]{8}", path.name) or path.name == RESERVE):
            path.unlink(missing_ok=True)


def keep(path: Path, content: bytes) -> None:
    """Write into a folder that processes share, one at a time; what a killed one was about to rename there goes."""
    with writable(path.parent), FileLock(path.parent / ".write.lock"):
        sweep(path.parent)
        write_atomically(path, content)


def replace_folder(made: Path, path: Path) -> None:
    """Put a folder that is whole in the place of an older one of that name, if there is one."""
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    made.rename(path)
    shutil.rmtree(old, ignore_errors=True)
