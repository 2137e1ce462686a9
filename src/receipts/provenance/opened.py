"""Which files a piece of code opens for reading, as Python's own audit events tell it.

A library that opens files in C, such as HDF5, raises no such event and goes unseen.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_watching: list[set[str]] = []
_installed: list[int] = []  # the thread that is watched
_since: set[str] = set()
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CODE = {".py", ".pyc", ".pyi", ".so", ".pth", ".toml"}
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/opt", "/bin", "/var", "/run")


@contextmanager
def reads() -> Iterator[set[str]]:
    """Collect the paths of files that are opened for reading while the block runs."""
    install()
    found: set[str] = set()
    _watching.append(found)
    try:
        yield found
    finally:
        _watching[:] = [each for each in _watching if each is not found]


def install() -> None:
    """Have this thread watched. There is no way to take an audit hook out again, so it is put in once."""
    if not _installed:
        sys.addaudithook(note)
    _installed[:] = [threading.get_ident()]


def begin() -> None:
    """Collect, from now on, what `since` tells."""
    install()
    _since.clear()
    if not any(each is _since for each in _watching):
        _watching.append(_since)


def since() -> set[str]:
    """The paths that were opened for reading since `begin`; nothing where that was never called."""
    return set(_since)


def note(event: str, details: tuple[Any, ...]) -> None:
    """An audit event; anything but the opening of a path for reading is passed over."""
    if event != "open" or not _watching or threading.get_ident() not in _installed:
        return
    path, mode, flags = details
    if isinstance(path, str | bytes) and not (isinstance(mode, str) and set(mode) & set("wax+")):
        if mode is None and isinstance(flags, int) and flags & WRITING:
            return
        for found in _watching:
            found.add(Path(os.fsdecode(path)).absolute().as_posix())


def of_data(found: set[str]) -> set[str]:
    """The paths that are neither code, nor part of an installation, nor of what the core itself keeps.

    Relative to the project where they lie in it.
    """
    root = Path.cwd().resolve()
    installed = tuple({os.path.realpath(place) for place in (sys.prefix, sys.base_prefix, tempfile.gettempdir())})
    kept = set()
    for path in {os.path.realpath(each) for each in found}:
        inside = Path(path).is_relative_to(root)
        name = Path(path).relative_to(root).as_posix() if inside else path
        parts = Path(name).parts
        if Path(path).suffix in CODE or any(part.startswith(".") or part == "site-packages" for part in parts):
            continue
        if inside and parts and parts[0] in ("runs", "splits", "conf", "report", "results"):
            continue
        if inside or not path.startswith((*SYSTEM, *installed)):
            kept.add(name)
    return kept
