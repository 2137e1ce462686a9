"""Everything that is written, into a folder of its own first: a failure overwrites nothing."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.report import (
    checklists,
    costs,
    croissant,
    experiments,
    figures,
    gauntlet,
    looks,
    lost,
    numbers,
    page,
    parts,
    tables,
    technical,
    training,
)
from receipts.report.model import Report
from receipts.runs.files import roomy, writable, write_atomically

OLD = "-old"


def write(report: Report, folder: Path, notebook: Path = experiments.PATH) -> None:
    """Write the whole report and put it in the place of the old one, then bring EXPERIMENTS.md up to date."""
    refuse_foreign(folder)
    with writable(RUNS), FileLock(RUNS / ".report.lock"):
        recover(folder)
        lost.refuse(report, folder)
        with roomy(folder):
            replace(report, folder, notebook)
        lost.remember(report)


def replace(report: Report, folder: Path, notebook: Path) -> None:
    """The same, once nobody else is at it."""
    rows = experiments.updated(report, experiments.read(notebook))
    with beside(folder) as fresh:
        figures.carry(folder, fresh)
        gauntlet.carry(folder, fresh)
        looks.carry(folder, fresh)
        fill(report, fresh)
        swap(fresh, folder)
    if not notebook.is_file() or notebook.read_text(encoding="utf-8") != rows:
        write_atomically(notebook, rows.encode())


def fill(report: Report, folder: Path) -> None:
    """Write all that belongs into an empty folder."""
    for room in (tables, parts, training, numbers, costs, croissant):
        room.write(report, folder)
    shown = figures.make(report)
    figures.write(shown, folder)
    looks.write(report, folder)  # in addition to those of earlier reports
    gauntlet.write(report, folder)  # of what gauntlet.py left there
    technical.write(report, folder, shown)
    checklists.write(report, folder)  # after these: it looks at what they wrote
    page.write(report, folder, shown)  # the last: it shows the figures, and how the checklists stand


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """An empty folder on the same disk, gone afterwards unless it was moved."""
    with writable(folder.parent):
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    fresh.chmod(0o755)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put back the report that a killed process had just moved away, and remove the halves of others."""
    for half in sorted(folder.parent.glob(f".{folder.name}-*")):
        if not re.fullmatch(rf"[a-z0-9_]{{8}}({OLD})?", half.name.removeprefix(f".{folder.name}-")):
            continue
        if half.name.endswith(OLD) and not folder.exists():
            half.rename(folder)
        else:
            shutil.rmtree(half, ignore_errors=True)


def swap(fresh: Path, folder: Path) -> None:
    """Put one folder in the place of another, which is deleted last."""
    old = fresh.with_name(f"{fresh.name}{OLD}")
    if folder.exists():
        folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def refuse_foreign(folder: Path) -> None:
    """Refuse to replace a folder that no report wrote."""
    ours = (gauntlet.NAME, gauntlet.TEXT)
    if folder.exists() and not (folder / numbers.NAME).is_file() and any(p.name not in ours for p in folder.iterdir()):
        raise Refusal(
            f"{folder}/ holds files that no report wrote",
            "the whole folder is replaced by a new report",
            "folder=ANOTHER, or move the files away",
        )
