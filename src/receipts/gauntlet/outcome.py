"""What came of it: a table on the screen, files beside the report, a section of its page, an exit code."""

import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import join

from rich.console import Console
from rich.table import Table

from receipts.config.schema import Gauntlet as Asked
from receipts.gauntlet.running import STYLES
from receipts.gauntlet.subjects import Subject, reported
from receipts.provenance import git
from receipts.refusal import CHECK_FAILED, DONE
from receipts.report import gauntlet, numbers, output
from receipts.report.gauntlet import SCHEMA, Gauntlet, Verdict
from receipts.runs.log import say
from receipts.runs.process import now

REPORT = "report-again"


def publish(verdicts: Sequence[Verdict], subjects: Sequence[Subject], asked: Asked) -> None:
    """Write `gauntlet.{json,md}` and bring the report up to date, whose page has a section for them.

    A report that did not regenerate stays as it is, so that what is wrong with it can be looked at.
    """
    folder = Path(asked.folder)
    command = join(["python", "gauntlet.py", *sys.argv[1:]])
    runs = {one.label: [run.run_id for run in one.runs] for one in subjects}
    found = Gauntlet(SCHEMA, now(), git.commit(), command, runs, merged(verdicts, folder, runs))
    if not (folder / numbers.NAME).is_file():
        output.write(reported(asked)[1], folder)
    gauntlet.keep(found, folder)
    if not any(one.check == REPORT and one.verdict == "fail" for one in verdicts):
        output.write(reported(asked)[1], folder)


def merged(verdicts: Sequence[Verdict], folder: Path, runs: dict[str, list[str]]) -> list[Verdict]:
    """Today's verdicts, and those of earlier passes by the same runs that `only=` left out today."""
    before = gauntlet.read(folder)
    today = {(one.check, one.of) for one in verdicts}
    if before is None:
        return list(verdicts)
    same = [label for label, ids in before.runs.items() if runs.get(label) == ids]
    return [*verdicts, *(one for one in before.verdicts if one.of in same and (one.check, one.of) not in today)]


def show(verdicts: Sequence[Verdict], asked: Asked) -> int:
    """The verdict table; 4 where anything failed."""
    table = Table("check", "method", "verdict", box=None, header_style="bold")
    for one in verdicts:
        table.add_row(one.check, one.of, one.verdict, style=STYLES[one.verdict])
    Console().print(table)
    failed = [one for one in verdicts if one.verdict == "fail"]
    for one in failed:
        say(f"FAILED   {one.check}  {one.of}: {one.evidence}")
        say(f"  fix    {one.cure}")
    told = Gauntlet(SCHEMA, "", "", "", {}, list(verdicts)).summary
    say(f"gauntlet {'FAILED' if failed else 'passed'}: {told}; see {asked.folder}/{gauntlet.TEXT}")
    return CHECK_FAILED if failed else DONE
