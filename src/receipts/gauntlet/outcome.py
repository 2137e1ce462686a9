"""What came of it: a table on the screen, files beside the report, a section of its page, an exit code."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import join

from rich.console import Console
from rich.table import Table

from receipts.config.questions import Gauntlet as Asked
from receipts.gauntlet.catalogue import checks
from receipts.gauntlet.check import Terms
from receipts.gauntlet.kept import on_record
from receipts.gauntlet.running import STYLES
from receipts.gauntlet.subjects import Subject, reported
from receipts.provenance import git
from receipts.refusal import CHECK_FAILED, DONE, Refusal
from receipts.report import gauntlet, output
from receipts.report.gauntlet import SCHEMA, Gauntlet, Verdict
from receipts.runs.log import say
from receipts.runs.process import now
from receipts.runs.screen import texts

REPORT = "report-again"


def publish(verdicts: Sequence[Verdict], subjects: Sequence[Subject], asked: Asked) -> None:
    """Write `gauntlet.{json,md}` and bring the report up to date, whose page has a section for them.

    A report that did not regenerate stays as it is, so that what is wrong with it can be looked at.
    """
    folder = Path(asked.folder)
    everything = [*verdicts, *left_out(verdicts, subjects, asked)]
    runs = {one.label: [run.run_id for run in one.runs] for one in subjects}
    found = Gauntlet(SCHEMA, now(), git.commit(), command(asked), runs, everything)
    output.refuse_foreign(folder)
    folder.mkdir(exist_ok=True)
    gauntlet.keep(found, folder)
    if not any(one.check == REPORT and one.verdict == "fail" for one in verdicts):
        try:
            output.write(reported(asked)[1], folder)
        except Refusal as problem:  # a method that was named may be in no table yet
            say(f"report   not written: {problem.what}")


def command(asked: Asked) -> str:
    """The words that ask for the same again."""
    words = [f"{name}={','.join(listed)}" for name in ("conf", "only") if (listed := getattr(asked, name))]
    for name in ("skip", "allow"):
        pairs = ", ".join(f"{key}: {reason}" for key, reason in getattr(asked, name).items())
        words += [f"{name}={{{pairs}}}"] if pairs else []
    stated = {"budget": asked.budget, "env": asked.env, "folder": asked.folder}
    plain = asdict(Asked())
    words += [f"{name}={value}" for name, value in stated.items() if value != plain[name]]
    return join(["python", "gauntlet.py", *words])


def left_out(verdicts: Sequence[Verdict], subjects: Sequence[Subject], asked: Asked) -> list[Verdict]:
    """What `only=` left out today and is on record for the same runs and code."""
    today, terms = {(one.check, one.of) for one in verdicts}, Terms(asked.env, asked.folder, dict(asked.allow))
    pairs = ((check, one) for check in checks() for one in ([] if check.of_project else subjects))
    found = (on_record(check, one, terms) for check, one in pairs if (check.name, one.label) not in today)
    return [verdict for verdict in found if verdict is not None]


def show(verdicts: Sequence[Verdict], asked: Asked) -> int:
    """The verdict table; 4 where anything failed."""
    table = Table("check", "method", "verdict", box=None, header_style="bold")
    for one in verdicts:
        table.add_row(*texts([one.check, one.of, one.verdict]), style=STYLES[one.verdict])
    Console().print(table)
    failed = [one for one in verdicts if one.verdict == "fail"]
    for one in failed:
        say(f"FAILED   {one.check}  {one.of}: {one.evidence}")
        say(f"  fix    {one.cure}")
    told = Gauntlet(SCHEMA, "", "", "", {}, list(verdicts)).summary
    say(f"gauntlet {'FAILED' if failed else 'passed'}: {told}; see {asked.folder}/{gauntlet.TEXT}")
    return CHECK_FAILED if failed else DONE
