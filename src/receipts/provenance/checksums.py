"""Checksums of data as DVC writes them, computed here in milliseconds instead of by a `dvc` process in a second."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml

from receipts.provenance import git, remembered
from receipts.refusal import Refusal

DATA = Path("data")
POINTER = Path("data.dvc")
IGNORE = Path(".dvcignore")
NEVER = (".hg/", ".git/", ".git", ".dvc/")  # what DVC leaves out by itself


def md5(path: Path) -> str:
    """MD5 of a file's bytes: DVC's checksum, named for what it is and not a defence against attackers."""
    return remembered.of_file(path, lambda: read_md5(path))


def read_md5(path: Path) -> str:
    """The same, from the bytes themselves."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def folder_md5(folder: Path) -> str:
    """What `data.dvc` says of a folder: MD5 of the sorted list of its files and their MD5s, and `.dir`.

    Files named in `.dvcignore` do not count. The order is that of whole relative paths as strings.
    """
    rules = IGNORE.read_bytes() if IGNORE.is_file() else b""
    return remembered.of_folder(folder, rules, lambda: read_folder(folder))


def read_folder(folder: Path) -> str:
    """The same, from the bytes themselves."""
    ignored = ignorer()
    paths = (path for path in folder.rglob("*") if path.is_file() and not ignored(path))
    rows = [{"md5": md5(path), "relpath": path.relative_to(folder).as_posix()} for path in paths]
    rows.sort(key=lambda row: row["relpath"])
    return hashlib.md5(json.dumps(rows, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def ignorer() -> Callable[[Path], bool]:
    """Whether DVC leaves a file out, for its own name or for that of a folder above it.

    The patterns of `.dvcignore` are git's, and DVC matches them with the same class.
    """
    from pathspec import PathSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    lines = IGNORE.read_text(encoding="utf-8").splitlines() if IGNORE.is_file() else []
    spec = PathSpec.from_lines(GitIgnoreSpecPattern, [*NEVER, *(line.strip() for line in lines)])

    @cache
    def closed(folder: Path) -> bool:
        return folder != Path() and (closed(folder.parent) or spec.match_file(f"{folder.as_posix()}/"))

    return lambda path: closed(path.parent) or spec.match_file(path.as_posix())


def pointed_to(pointer: bytes | None) -> str | None:
    """The checksum in the text of a `.dvc` file."""
    if pointer is None:
        return None
    try:
        found = yaml.safe_load(pointer)["outs"][0]["md5"]
        if not isinstance(found, str):  # many values that stand for many, spelt out, would have no end
            raise TypeError("its checksum is no text")
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise Refusal(f"{POINTER} cannot be read", repr(error), f"git checkout {POINTER}") from error
    return found


def verify_folder() -> str | None:
    """The checksum of `data/`, equal to the committed data.dvc, or a refusal; None in a project without one.

    The work tree's data.dvc proves nothing: `dvc repro` rewrites it to fit whatever bytes it finds.
    """
    named = pointed_to(git.committed(POINTER))
    if named is None:
        return None
    if not DATA.is_dir():
        raise Refusal("the data are not here", f"{POINTER} names {named[:8]}… and {DATA}/ does not exist", "dvc pull")
    found = folder_md5(DATA)
    if found != named:
        raise Refusal(
            "the data on disk are not the data this commit names",
            f"{POINTER} says {named[:8]}…, {DATA}/ hashes to {found[:8]}…; results could not be repeated",
            f"git checkout {POINTER} && dvc checkout --force {POINTER}      (or commit the new {POINTER})",
        )
    return named


def owner(name: str) -> Path:
    """The file by which DVC knows a file: data.dvc, or the stage of its folder below `derived/`."""
    parts = Path(name).parts
    return Path(*parts[:2], "dvc.yaml") if parts[0] == "derived" and len(parts) > 2 else POINTER


def verify_files(expected: dict[str, str]) -> None:
    """Each file of a dataset against `md5:…` in its manifest."""
    for name, checksum in expected.items():
        path = Path(name)
        if not path.is_file():
            raise Refusal(f"{name} is missing", "the split manifest names it", "dvc pull")
        if (found := f"md5:{md5(path)}") != checksum:
            raise Refusal(
                f"{name} is not the file the split was made from",
                f"the manifest says {checksum[:12]}…, the file hashes to {found[:12]}… ({path.stat().st_size:,} bytes)",
                f"dvc checkout --force {owner(name)}      (or, for new data: receipts split NAME, and commit)",
            )
