"""Figures: each a file about one idea, drawn from the rows of its own CSV; matplotlib is loaded when one is drawn."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

from receipts.refusal import Refusal, nearest
from receipts.report.figures import (
    confusion,
    dots,
    forest,
    groups,
    learning,
    mistakes,
    profiles,
    reliability,
    style,
    sweeps,
)
from receipts.report.figures.figure import Figure
from receipts.report.model import Report
from receipts.runs.files import write_atomically

FOLDER = "figures"
TABLES = 20  # tables of a report that have figures, the first
KINDS: Mapping[str, Callable[[Report], Iterator[Figure]]] = {
    "forest": forest.make,
    "dots": dots.make,
    "learning_curves": learning.make,
    "confusion": confusion.make,
    "groups": groups.make,
    "reliability": reliability.make,
    "mistakes": mistakes.make,
    "sensitivity": sweeps.sensitivity,
    "data_size": sweeps.data_size,
    "profiles": profiles.make,
}


def write(found: Sequence[Figure], folder: Path) -> None:
    """Every figure below `folder/figures`: CSV, receipt, and pictures unless the ones there show the same already."""
    place = folder / FOLDER
    for old in sorted(place.glob("*.*")):
        if old.stem not in {figure.name for figure in found} and old.suffix[1:] in (*style.FORMATS, "csv", "json"):
            old.unlink()
    for figure in found:
        drawn = {} if is_drawn(figure, place) else draw(figure)
        for kind, content in {"csv": figure.csv(), **drawn}.items():
            write_atomically(place / f"{figure.name}.{kind}", content)
        facts = {**figure.receipt(), "fingerprint": figure.fingerprint(drawn_by())}
        facts["sha256"] = {kind: checksum(place / f"{figure.name}.{kind}") for kind in style.FORMATS}
        write_atomically(
            place / f"{figure.name}.json", (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
        )


def carry(old: Path, fresh: Path) -> None:
    """Take drawn figures along into a fresh folder: those that still show the same need not be drawn again."""
    if (old / FOLDER).is_dir():
        shutil.copytree(old / FOLDER, fresh / FOLDER)


def make(report: Report) -> Sequence[Figure]:
    """The figures of a report, those asked for or all of which it has the evidence, not yet drawn."""
    wanted = list(KINDS) if report.figures is None else list(report.figures)
    for name in wanted:
        if name not in KINDS:
            raise Refusal(
                f"there is no figure {name!r}{nearest(name, list(KINDS))}",
                f"known are {', '.join(KINDS)}",
                "correct `figures:` in conf/scripts/report.yaml",
            )
    first = replace(report, tables=report.tables[:TABLES])
    return [figure for name in wanted for figure in KINDS[name](first) if figure.rows]


def draw(figure: Figure) -> dict[str, bytes]:
    """The picture in every format."""
    import matplotlib

    with matplotlib.rc_context(style.settings(figure.name)):
        return style.rendered(figure.drawing())


def is_drawn(figure: Figure, place: Path) -> bool:
    """Whether the pictures that lie there are whole and of these very rows, drawn by this very code."""
    receipt = place / f"{figure.name}.json"
    try:
        known = json.loads(receipt.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return False
    return bool(
        isinstance(known, dict)
        and known.get("fingerprint") == figure.fingerprint(drawn_by())
        and known.get("sha256") == {kind: checksum(place / f"{figure.name}.{kind}") for kind in style.FORMATS}
    )


def checksum(path: Path) -> str | None:
    """The SHA-256 of a file; None of no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


@cache
def drawn_by() -> str:
    """What draws: matplotlib's version and the source of this package."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join([version("matplotlib").encode(), *(s.read_bytes() for s in sources)])).hexdigest()
