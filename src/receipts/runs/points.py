"""Points that a run can be continued from: whole or absent, each known by a checksum in its own name.

`runs/<run_id>/resume/<step>-<first digits of its SHA-256>.ckpt`. A new one is written beside the one before, read again
and compared; two are kept, so that one that turns out damaged costs some steps and no run.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from receipts.runs.files import writable, write_atomically
from receipts.runs.log import say

FOLDER = "resume"
KEPT = 2
DIGITS = 16
BEST = ".best"  # beside a point: the checkpoint that was the best one then
OTHERS = ".others"  # and a folder with those that callbacks of the module's own had written
OURS = ("best.ckpt", "last.ckpt", "init.ckpt")


def write(folder: Path, step: int, content: bytes, best: Path, others: Iterable[str] = ()) -> Path:
    """Keep a point at which so many training steps are done, and the best checkpoint as it is then, if there is one.

    Steps after it may replace that file and never have happened. It comes first: a point without it, left by a kill,
    would say that there was none. So do the checkpoints in `others`, folders of the run that callbacks of the module's
    own write into. Raises `OSError` where the disk does not give the point back.
    """
    path = folder / FOLDER / f"{step:09d}-{digest(content)}.ckpt"
    if best.is_file():
        with writable(path.parent):
            linked(best, path.with_suffix(BEST))
    for name in others:
        with writable(path.parent):
            (beside := path.with_suffix(OTHERS) / name).mkdir(parents=True, exist_ok=True)
            for checkpoint in written_in(folder / name):
                linked(checkpoint, beside / checkpoint.name)
    write_atomically(path, content)
    if not is_whole(path):
        path.unlink()
        raise OSError(f"{path} is not what was written to it")
    later = [point for point in found(folder) if step_of(point) > step]  # of a life that went on from damaged files
    for point in {*later, *[point for point in found(folder) if point not in later][KEPT:]}:
        point.unlink(missing_ok=True)
    for beside in path.parent.glob(f"*{BEST}"):
        if not beside.with_suffix(".ckpt").is_file():
            beside.unlink(missing_ok=True)
    for beside in path.parent.glob(f"*{OTHERS}"):
        if not beside.with_suffix(".ckpt").is_file():
            shutil.rmtree(beside, ignore_errors=True)
    return path


def written_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder that are not ours."""
    return [path for path in folder.glob("*.ckpt") if path.is_file() and path.name not in OURS]


def found(folder: Path) -> list[Path]:
    """The points of a run folder, the one with most steps first."""
    return sorted((folder / FOLDER).glob("*-*.ckpt"), reverse=True)


def newest(folder: Path, tell: bool = False) -> Path | None:
    """The newest point that is whole; a damaged one is passed over, and told of. None where there is none."""
    for point in found(folder):
        if is_whole(point):
            return point
        if tell:
            say(f"  WARNING  {point} is cut short or damaged: going on from the point before it")
    return None


def is_whole(point: Path) -> bool:
    """Whether a point holds what its name says."""
    return digest(point.read_bytes()) == point.stem.partition("-")[2]


def step_of(point: Path) -> int:
    """How many training steps are done at a point."""
    return int(point.stem.partition("-")[0])


def digest(content: bytes) -> str:
    """What a point is known by."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def bring_back(point: Path, best: Path) -> None:
    """Put the best checkpoint of a point in its place; none where there was none yet."""
    temporary = best.with_name(f".{best.name}.back")
    if point.with_suffix(BEST).is_file():
        linked(point.with_suffix(BEST), temporary)
        temporary.replace(best)
    else:
        best.unlink(missing_ok=True)
    temporary.unlink(missing_ok=True)  # where it is the same file already, rename(2) leaves both names


def bring_back_others(point: Path, folder: Path) -> None:
    """Make the folders that callbacks of the module's own write into what they were at a point.

    What steps after it wrote would otherwise lie there for good, and what they removed be missing.
    """
    kept = point.with_suffix(OTHERS)
    for beside in (path for path in kept.rglob("*") if path.is_dir()):
        now, then = folder / beside.relative_to(kept), written_in(beside)
        for path in written_in(now):
            path.unlink()
        now.mkdir(parents=True, exist_ok=True)
        for checkpoint in then:
            linked(checkpoint, now / checkpoint.name)


def linked(source: Path, target: Path) -> None:
    """One more name for a file, which is never written into; a copy where the disk knows no links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def clear(folder: Path) -> None:
    """A run that is complete has nothing to continue."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
