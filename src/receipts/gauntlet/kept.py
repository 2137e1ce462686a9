"""Verdicts on record, below `runs/gauntlet/`: what was found for the same runs, code and terms is not found again."""

import hashlib
import inspect
from pathlib import Path

import msgspec

from receipts.config.project import RUNS
from receipts.gauntlet.check import Check, Terms
from receipts.gauntlet.subjects import Subject
from receipts.provenance import code
from receipts.report.gauntlet import Verdict
from receipts.runs.files import write_atomically

FOLDER = RUNS / "gauntlet"


class Kept(msgspec.Struct, forbid_unknown_fields=True):
    """A verdict, and a hash over everything that it rests on."""

    inputs: str
    verdict: Verdict


def place(check: Check, subject: Subject) -> Path:
    """Where a verdict lies; its log lies beside it."""
    return FOLDER / subject.key / f"{check.name}.json"


def inputs(check: Check, subject: Subject, terms: Terms) -> str:
    """A hash over the runs and their predictions, the core and the check's own source, and the terms that matter."""
    parts = {f"run {run.run_id}": ",".join(score.sha256 for score in run.scores) for run in subject.runs}
    source = inspect.getsourcefile(check.judge)
    assert source is not None, "a judge is a function of a file"
    parts |= {"core": code.core(), "check": code.sha256(Path(source).read_bytes()), "split": subject.split}
    parts |= {f"terms {name}": str(getattr(terms, name)) for name in check.terms}
    return hashlib.sha256(code.combined(parts).encode()).hexdigest()


def on_record(check: Check, subject: Subject, terms: Terms) -> Verdict | None:
    """The verdict that was found before from the same inputs; a damaged file tells nothing."""
    path = place(check, subject)
    if not check.kept or not path.is_file():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Kept)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found.verdict if found.inputs == inputs(check, subject, terms) else None


def keep(check: Check, subject: Subject, terms: Terms, verdict: Verdict) -> None:
    """Put a verdict on record; what was not run stays to be done."""
    if check.kept and verdict.verdict in ("pass", "fail", "not applicable"):
        path = place(check, subject)
        path.parent.mkdir(parents=True, exist_ok=True)
        found = Kept(inputs(check, subject, terms), verdict)
        write_atomically(path, msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
