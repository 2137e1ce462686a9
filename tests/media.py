"""What runs are written to gives way: the disk is full, the folder read-only, a file cut short, the database locked."""

import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

import surviving
from folders import runs
from held import TRAIN, held, holding, release
from launching import Ended, begin, bound_by_permissions, ended, launch

from receipts.runs import record as records

ROOM = "waive: {disk-room: the disk is to fill up}\n"
SMALL = ("train.py", "conf=net", "preset=smoke")


def refused(done: Ended, what: str, fix: str, code: int = 3) -> list[str]:
    """What is missing from a refusal."""
    found = [f"exit code {done.code} instead of {code}"] if done.code != code else []
    found += ["a traceback"] if "Traceback" in done.err + done.out else []
    found += [f"it does not say {text!r}" for text in (what, fix) if text not in done.err]
    return [f"{problem}: {done.err or done.out}" for problem in found]


# --- a full disk ------------------------------------------------------------------------------------------------------


def full_disk(folder: Path) -> list[str]:
    """A disk of 1 MB that fills while a run trains, then room; a limit on files where nothing can be mounted."""
    holding(folder, ROOM)
    with small_disk(folder / "runs") as disk:
        if not disk:
            return file_limit(folder)
        process = begin(folder, *TRAIN)
        run = held(folder)
        fill(folder / "runs" / "filler")
        release(folder)
        process.join(120)
        found = refused(ended(folder, process), "FAILED  the disk is full", "retry=true", 4)
        found += said_so(run)
        fill(folder / "runs" / "filler")
        found += refused(launch(folder, *SMALL), "runs/ is on a full disk", "make room")
        there = surviving.kept(folder)
        (folder / "runs" / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", folder / "runs"], check=True)
        again = launch(folder, *TRAIN, "retry=true")
        wrong = surviving.findings(folder, there)
        return found + failed(again) + [one for one in wrong if "train.log is cut" not in one]  # the line had no room


def fill(path: Path) -> None:
    """Take what room is left."""
    with suppress(OSError), path.open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def file_limit(folder: Path) -> list[str]:
    """The same by a limit on the size of files, which any user can set."""
    release(folder)
    done = launch(folder, *TRAIN, before=partial(limited, 5000))
    found = refused(done, "FAILED  the disk is full", "retry=true", 4) + said_so(runs(folder)[0])
    return found + failed(launch(folder, *TRAIN, "retry=true")) + surviving.findings(folder, {})


def limited(size: int) -> None:
    """No file grows beyond so many bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def said_so(run: Path) -> list[str]:
    """A run that a full disk ended has a record that says so."""
    record = records.read(run)
    reason = record.failure.reason if record.failure else ""
    return (
        [] if record.status == "failed" and "disk is full" in reason else [f"the record says {record.status} {reason}"]
    )


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A file system of 1 MB at a folder, where we may mount one."""
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", place], check=True)


# --- a read-only folder -----------------------------------------------------------------------------------------------


def read_only(folder: Path) -> list[str]:
    """Nobody may write into runs/, then into a run's folder."""
    found = failed(launch(folder, *SMALL))
    (run,) = runs(folder)
    for place, words in (
        (folder / "runs", ("train.py", "conf=net", "preset=smoke", "seed=1")),
        (run, ("eval.py", f"run_id={run.name}")),
    ):
        there = surviving.kept(folder)
        with sealed(place):
            done = launch(folder, *words, before=bound_by_permissions)
        found += refused(done, "cannot be written", f"chmod -R u+w {place.relative_to(folder)}")
        found += surviving.findings(folder, there)
        found += failed(launch(folder, *words))
    return found


def turned_read_only(folder: Path) -> list[str]:
    """The folder of a run becomes read-only while it trains."""
    holding(folder)
    process = begin(folder, *TRAIN, before=bound_by_permissions)
    run = held(folder)
    with sealed(run, run / "checkpoints"):
        release(folder)
        process.join(120)
    found = refused(ended(folder, process), "cannot be written", "chmod -R u+w runs")
    return found + surviving.findings(folder, {}) + failed(launch(folder, *TRAIN, "retry=true"))


@contextmanager
def sealed(*places: Path) -> Iterator[None]:
    """Folders that nobody may write into."""
    for place in places:
        place.chmod(0o555)
    try:
        yield
    finally:
        for place in places:
            place.chmod(0o755)


# --- files cut short --------------------------------------------------------------------------------------------------


def cut_checkpoint(folder: Path, seed: int = 0) -> list[str]:
    """A checkpoint that lost its end: no number comes of it, test stays sealed, and training again is what helps."""
    found = failed(launch(folder, *SMALL))
    (run,) = runs(folder)
    checkpoint = run / "checkpoints" / "best.ckpt"
    whole, random = checkpoint.read_bytes(), Random(seed)
    for length in (0, random.randrange(1, len(whole)), len(whole) - 1):
        checkpoint.write_bytes(whole[:length])
        done = launch(folder, "eval.py", "run_id=latest")
        found += refused(done, "checkpoints/best.ckpt is no readable checkpoint", "rerun=true")
        found += ["test was opened"] if records.read(run).openings else []
    found += failed(launch(folder, *SMALL, "rerun=true"))
    return found + failed(launch(folder, "eval.py", "run_id=latest"))


def cut_record(folder: Path, seed: int = 0) -> list[str]:
    """A record that lost its end is believed by nobody and named by everybody."""
    found = failed(launch(folder, *SMALL))
    (run,) = runs(folder)
    path = run / "record.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: Random(seed).randrange(len(whole) - 2)])
    for words in (SMALL, ("eval.py", "run_id=latest")):
        found += refused(launch(folder, *words), "record.json is not a readable record", "move runs/")
    shown = launch(folder, "receipts", "ls")
    found += [] if shown.code == 0 and run.name in shown.out else [f"receipts ls: {shown}"]
    shutil.move(run, folder / "aside")
    return found + failed(launch(folder, *SMALL))


# --- a locked database ------------------------------------------------------------------------------------------------


def locked(folder: Path, seconds: float = 60) -> list[str]:
    """MLflow's SQLite file is locked for a while: the run goes on, and what is missing is sent later."""
    found = failed(launch(folder, *SMALL, tracked=True))
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(seconds, other.execute, ["ROLLBACK"]).start()
        free = time.monotonic() + seconds
        found += failed(done := launch(folder, *SMALL, "seed=1", tracked=True, timeout=180))
        warned = "WARNING MLflow lacks part of this run" in done.out and "receipts sync" in done.out
        found += [] if warned or time.monotonic() > free else ["MLflow lacks the run, and nobody was told"]
        time.sleep(max(0.0, free - time.monotonic()) + 1)
    synced = launch(folder, "receipts", "sync")
    return found + failed(synced) + surviving.findings(folder, {}) + in_mlflow(folder)


def in_mlflow(folder: Path) -> list[str]:
    """Every run is in the store, and once."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as store:
        names = sorted(name for (name,) in store.execute("SELECT name FROM runs WHERE lifecycle_stage = 'active'"))
    here = sorted(path.name for path in runs(folder))
    return (
        [] if names == here else [f"MLflow holds {len(names)} runs, {len(set(names) & set(here))} of the {len(here)}"]
    )


def failed(done: Ended) -> list[str]:
    """What a command says that was to succeed and did not."""
    return [] if done.code == 0 else [f"exit code {done.code}: {done.err or done.out}"]


EVENTS: dict[str, Callable[[Path], list[str]]] = {
    "full disk": full_disk,
    "read-only folder": read_only,
    "folder made read-only in mid-run": turned_read_only,
    "checkpoint cut short": cut_checkpoint,
    "record cut short": cut_record,
    "SQLite locked": locked,
}
