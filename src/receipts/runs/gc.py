"""Clearing away runs that no paper rests on: those that `report/numbers.json` does not name.

Without that file nothing says what may go, and nothing does. A run that opened a sealed split keeps its record, since
the ledger of openings is the union of all records.
"""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from receipts.config.project import RUNS
from receipts.refusal import Refusal, visible
from receipts.runs import printed
from receipts.runs import record as records
from receipts.runs.files import writable
from receipts.runs.process import is_stale
from receipts.runs.store import folders

NUMBERS = Path("report/numbers.json")
KEPT = ("record.json", "config.yaml", "README.md", "metrics.json")  # of a run that opened a sealed split


class Plan(NamedTuple):
    """What may go, folder to bytes, and what stays, folder to reason."""

    removable: dict[Path, int]
    kept: dict[Path, str]


def collect(remove: bool) -> None:
    """Print what could be removed and how much it holds; remove it when told to."""
    text = numbers()
    if text is None:
        print(f"there is no {NUMBERS}: nothing says which runs a paper rests on, so nothing is removed")
        return
    with writable(RUNS), FileLock(RUNS / ".claim.lock"):
        plan = survey(text)
        gone = {folder: size for folder, size in plan.removable.items() if not remove or clear(folder)}
        if remove:
            printed.forget(RUNS, [folder.name for folder in gone])
    for folder, reason in plan.kept.items():
        print(visible(f"keep    {folder.name}  {reason}"))
    for folder, size in gone.items():
        print(visible(f"{'removed' if remove else 'remove '} {folder.name}  {size:,} bytes"))
    for folder in plan.removable.keys() - gone.keys():
        print(visible(f"keep    {folder.name}  it is being written to"))
    total = f"{len(gone)} runs, {sum(gone.values()):,} bytes"
    print(f"removed {total}" if remove else f"would remove {total}" + ("; next: receipts gc --yes" if gone else ""))


def numbers() -> str | None:
    """The text of report/numbers.json; None where there is none, refused where it is damaged or names no run here."""
    try:
        text = NUMBERS.read_text(encoding="utf-8")
        json.loads(text)
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{NUMBERS} cannot be read", str(error), f"git checkout {NUMBERS}") from error
    if folders() and not any(folder.name in text for folder in folders()):
        raise Refusal(
            f"{NUMBERS} names none of the {len(folders())} runs here",
            "it is another project's, or older than all of them; every run would go",
            f"git checkout {NUMBERS}      (or remove the folders by hand)",
        )
    return text


def survey(text: str) -> Plan:
    """Which runs may go: all but those named in the text, their parents, and those under way or unreadable."""
    removable, kept, parents = {}, {}, set()
    found = {}
    for folder in folders():
        try:
            found[folder] = records.read(folder)
        except Refusal as problem:
            kept[folder] = f"unreadable: {problem.why.splitlines()[0]}"
    named = {record.run_id for record in found.values() if record.run_id in text}
    waiting = set(named)
    while waiting:  # what a named run began from, and what that began from
        parents |= waiting
        waiting = {r.parent for r in found.values() if r.run_id in waiting and r.parent} - parents
    for folder, record in found.items():
        if record.run_id in parents:
            kept[folder] = "named by the report" if record.run_id in named else "a named run began from it"
        elif record.status == "running" and not is_stale(record):
            kept[folder] = "running"
        elif size := sum(path.stat().st_size for path in doomed(folder, bool(record.openings))):
            removable[folder] = size
    return Plan(removable, kept)


def doomed(folder: Path, opened: bool) -> list[Path]:
    """The files of a run that would go: all, or for one that opened a sealed split all but its record and views."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".record.lock"]
    return [path for path in files if not (opened and path.parent == folder and path.name in KEPT)]


def forget_stage(folder: Path) -> None:
    """Without its run a pipeline's stage is not done any more: `dvc repro` is to train it again."""
    for pointer in (RUNS / "stages").glob("*"):
        if pointer.read_text(encoding="utf-8").strip() == folder.name:
            pointer.unlink()


def clear(folder: Path) -> bool:
    """Remove a run unless some process holds its record; True when it is gone."""
    try:
        with FileLock(folder / ".record.lock", timeout=0):
            forget_stage(folder)
            if records.read(folder).openings:
                for path in doomed(folder, opened=True):
                    path.unlink()
                return True
            grave = folder.with_name(f".gone-{folder.name}")
            folder.rename(grave)  # at once, so that nobody meets half a run
    except Timeout:
        return False
    shutil.rmtree(grave)
    return True
