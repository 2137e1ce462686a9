"""Everything that may befall a run, and what is left afterwards: kills at drawn moments, and events from outside.

python benchmarks/chaos.py                   52 kills, then every event once
python benchmarks/chaos.py kills seed=7      the same number of kills at other moments
python benchmarks/chaos.py disk clock        the events whose names hold a word

It plays in small projects of the test suite. A finding is what is wrong afterwards: a record that cannot be read or
that lost something, a run or a file that is gone, a command that neither works nor says what to do.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from measure import ROOT, tell

sys.path.insert(0, str(ROOT / "tests"))
import clocks
import crowds
import leaving
import media
import outages
from killing import MANY, matrix
from template import reporting, small

EVENTS = leaving.EVENTS | media.EVENTS | outages.EVENTS | clocks.EVENTS | clocks.BY_LIBRARY | crowds.EVENTS


class Row(NamedTuple):
    """An event: at how many moments it was tried, how many of them were survived, what was wrong otherwise."""

    event: str
    moments: int
    survived: int
    findings: list[str]


def main(words: list[str]) -> list[Row]:
    seed = next((int(word.removeprefix("seed=")) for word in words if word.startswith("seed=")), 0)
    asked = [word for word in words if "=" not in word]
    rows = []
    with TemporaryDirectory() as name:
        place = Path(name)
        template = reporting(small(place / "template"))
        for scene, times in MANY.items():
            if not asked or "kills" in asked:
                rows.append(kills(template, place, scene, times, seed))
        for event, play in EVENTS.items():
            if not asked or any(word in event for word in asked):
                rows.append(once(template, place / f"event-{len(rows)}", event, play))
    return rows


def kills(template: Path, place: Path, scene: str, times: int, seed: int) -> Row:
    """One command, killed so many times; every moment is printed."""
    done = []
    for killed in matrix(template, place, {scene: times}, seed):
        print(killed, file=sys.stderr, flush=True)
        done.append(killed)
    wrong = [str(killed) for killed in done if killed.findings]
    return told(Row(f"SIGKILL, SIGTERM: {scene}", len(done), len(done) - len(wrong), wrong))


def once(template: Path, place: Path, event: str, play: Callable[[Path], list[str]]) -> Row:
    """One event in a fresh project."""
    place.mkdir()
    try:
        found = play(shutil.copytree(template, place / "project"))
    except AssertionError as problem:  # what an event waits for never came: a finding, and the others go on
        found = [f"it got stuck: {problem}"]
    return told(Row(event, 1, int(not found), found))


def told(row: Row) -> Row:
    """A row as it is done: one JSON line."""
    tell("chaos", **row._asdict())
    return row


def table(rows: list[Row]) -> str:
    """All rows in Markdown."""
    lines = ["| event | moments | survived | findings |", "|---|---|---|---|"]
    for row in rows:
        wrong = " ".join("; ".join(row.findings).split()) or "none"
        lines.append(f"| {row.event} | {row.moments} | {row.survived} | {wrong} |")
    return "\n".join(lines)


if __name__ == "__main__":
    rows = main(sys.argv[1:])
    print(table(rows))
    sys.exit(any(row.survived < row.moments for row in rows))
