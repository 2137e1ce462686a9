"""The bounds of a folder that somebody else may have filled: no name, link or special file leads out of it.

A run folder is data. What it names is looked up inside it, what it holds is read up to a size, and a link to another
place is refused before anything is read through it, written through it or sent to a server.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from receipts.refusal import Refusal

LONGEST = 240  # characters of a name inside a folder; file systems take 255 bytes of each part
MOST = 64 * 2**20  # bytes of a text file that is read whole
MOST_UNPACKED = 2**28  # bytes that an archive may unpack to, if it does not hold as many itself
LINKS = 20_000  # entries of a folder that are looked at; more of them are no run folder


def confine(folder: Path, name: str) -> Path:
    """The path of a name inside a folder; refused where it leads anywhere else, by its spelling or by a link."""
    path = folder / name if is_inside(name) else None
    if path is None or not path.resolve().is_relative_to(folder.resolve()):
        raise Refusal(
            f"{folder.name} names a file outside its folder: {name[:LONGEST]!r}",
            "a run folder may come from anybody, so nothing it names is looked for anywhere else",
            f"do not use {folder.name}; ask whoever made it for a folder of plain files",
        )
    refuse_special(path)
    return path


def refuse_special(path: Path) -> None:
    """Refuse a pipe, a socket or a device, on which a reader would wait for ever; a file that is missing is none."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise Refusal(
            f"{path} is no plain file",
            "whoever opens a pipe waits for somebody who writes, and a device has no end",
            f"look at it with ls -l, then move {path} away",
        )


def refuse_bomb(path: Path) -> None:
    """Refuse an archive whose members unpack to far more than it holds; what is written here is never packed."""
    import zipfile

    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as members:
        size = sum(member.file_size for member in members.infolist())
    if size > max(path.stat().st_size, MOST_UNPACKED):
        raise Refusal(
            f"{path} unpacks to {size:,} bytes",
            f"it holds {path.stat().st_size:,}, and no file that was written here is packed",
            f"do not use it; move {path} away",
        )


def is_inside(name: str) -> bool:
    """Whether a name, by its spelling alone, stays below the folder it is looked up in, on any system."""
    parts = re.split(r"[/\\]", name)
    plain = name.isprintable() and "\\" not in name and not re.match(r"[A-Za-z]:", name)
    return plain and 0 < len(name) <= LONGEST and not {"", ".", ".."} & set(parts)


def refuse_links(folder: Path) -> None:
    """Refuse a folder in which anything, at any depth, is a link that leads out of it, or no plain file or folder."""
    root, waiting, seen = folder.resolve(), [folder] if folder.is_dir() else [], 0
    while waiting:
        with listed(waiting.pop()) as entries:
            for entry in entries:
                seen += 1
                inside = not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root)
                if seen > LINKS or not inside or not (entry.is_file() or entry.is_dir() or entry.is_symlink()):
                    raise Refusal(
                        f"{folder} is not made of plain files: {entry.name[:LONGEST]!r}",
                        "a link that leads out of a run folder would be read, sent or written through",
                        f"look at it with ls -l, then take the link out or move {folder} away",
                    )
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))


@contextmanager
def listed(folder: Path) -> Iterator[Iterator["os.DirEntry[str]"]]:
    """What lies in a folder; refused where it may not be looked into."""
    try:
        with os.scandir(folder) as entries:
            yield entries
    except PermissionError as error:
        raise Refusal(f"{folder} cannot be read", str(error.strerror), f"chmod -R u+rx {folder}") from error


def read_whole(path: Path | str, most: int = MOST) -> bytes:
    """The bytes of a plain file of at most `most` bytes; a link, a pipe, a device or a larger file is refused.

    Raises `FileNotFoundError` where there is none.
    """
    return read_with_state(path, most)[0]


def read_with_state(path: Path | str, most: int = MOST) -> tuple[bytes, os.stat_result]:
    """The same, and the state that the file was in when it was opened."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refusal(f"{path} cannot be read", f"{error.strerror}; a link is not followed", "look at it") from error
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode) or state.st_size > most:
            raise Refusal(
                f"{path} is no file of at most {most:,} bytes",
                "it is a device, a pipe, a folder, or far larger than any that is written here",
                f"move {Path(path).parent} away",
            )
        data = os.read(handle, state.st_size)  # room for `most` would cost more than the reading
        while len(data) < state.st_size and (more := os.read(handle, state.st_size - len(data))):
            data += more
        return data, state
    finally:
        os.close(handle)
