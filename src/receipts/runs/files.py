"""Files that are whole or absent, whenever the power goes."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from receipts.refusal import Refusal

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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


def replace_folder(made: Path, path: Path) -> None:
    """Put a folder that is whole in the place of an older one of that name, if there is one."""
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    made.rename(path)
    shutil.rmtree(old, ignore_errors=True)
