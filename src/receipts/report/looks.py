"""The log of looks, `looks.csv`: each time a declared comparison was reported on other runs than before.

Adding seeds until a verdict appears is optional stopping, unless the looks were declared and α divided by them. A line
is one look; it is dated by the newest run behind it, so that the same runs give the same bytes, and it stays when the
report is made anew.
"""

import csv
import hashlib
import io
import shutil
from collections.abc import Iterable
from pathlib import Path

from receipts.bounds import read_whole
from receipts.refusal import Refusal
from receipts.report import tables
from receipts.report.figures.caption import listed
from receipts.report.intervals import LEAST
from receipts.report.model import Comparison, Report, Row, Table
from receipts.runs.views import counted

NAME = "looks.csv"
FIELDS = ("comparison", "against", "when", "seeds", "verdict", "p_corrected", "runs")
Look = dict[str, str]


def carry(old: Path, fresh: Path) -> None:
    """Take the looks of earlier reports along into a fresh folder."""
    if (old / NAME).is_file():
        shutil.copy(old / NAME, fresh / NAME)


def write(report: Report, folder: Path) -> None:
    """The looks that were carried over and, for each comparison that rests on other runs by now, one more."""
    known = {(look["comparison"], look["against"], look["runs"]): look for look in read(folder)}
    known |= {(look["comparison"], look["against"], look["runs"]): look for look in made(report)}
    if not known:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(known.values(), key=lambda look: [look[field] for field in FIELDS]))
    (folder / NAME).write_text(text.getvalue(), encoding="utf-8")


def read(folder: Path) -> list[Look]:
    """The looks so far, those of one comparison from the earliest to the latest; a line that is none is left out."""
    path = folder / NAME
    if not path.is_file():
        return []
    try:
        found = list(csv.DictReader(io.StringIO(read_whole(path).decode(), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refusal(
            f"{path} is no log of looks", str(error), f"git checkout {path}, or delete it: the looks are then forgotten"
        ) from error
    return [look for look in found if set(look) == set(FIELDS) and None not in look.values()]


def made(report: Report) -> Iterable[Look]:
    """What this report shows of each declared comparison that seeds can settle, on its table's headline metric."""
    for table in report.tables:
        rows = {row.name: row for row in table.rows}
        for one in tables.judgements(table).values():
            pair = rows[one.row], rows[one.against]
            if not all(row.deterministic for row in pair):
                yield look(table, one, pair)


def look(table: Table, one: Comparison, pair: tuple[Row, Row]) -> Look:
    """One comparison as it stands; `runs` is a hash over the runs of both sides."""
    runs = [run for row in pair for run in row.runs]
    named = hashlib.sha256("\n".join(sorted(run.run_id for run in runs)).encode()).hexdigest()
    return {
        "comparison": f"{table.name}.{one.row}.{one.column}",
        "against": one.against,
        "when": max((run.ended or run.heartbeat for run in runs), default=""),
        "seeds": str(one.n),
        "verdict": one.verdict,
        "p_corrected": tables.exact(one.p_holm),
        "runs": named[:16],
    }


def undeclared(report: Report, folder: Path) -> list[str]:
    """Comparisons that were looked at with more and more seeds, more often than was declared."""
    sizes: dict[tuple[str, str], set[int]] = {}
    for look in read(folder):
        if look["seeds"].isdecimal() and int(look["seeds"]) >= LEAST:  # below, no verdict is possible
            sizes.setdefault((look["comparison"], look["against"]), set()).add(int(look["seeds"]))
    return [
        f"{comparison} against {against} was looked at {counted(len(found), 'time')}, at "
        f"{listed(map(str, sorted(found)))} seeds; declared: {counted(report.looks, 'look')}. α is divided by too "
        f"little: state `looks: {len(found)}` in report.yaml"
        for (comparison, against), found in sorted(sizes.items())
        if len(found) > report.looks
    ]
