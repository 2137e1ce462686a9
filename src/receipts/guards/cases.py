"""Cases of the fault suite, begun from an edit: a bug that got through every check, or an alarm about nothing.

Whoever has been bitten makes the same mistake in the workshop, the small project that cases change. What differs there
from the commit becomes the case, and a bug gets its line in BUGS.md, so that it counts until a check catches it.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

from receipts.provenance import git
from receipts.refusal import Refusal
from receipts.runs.files import write_atomically

WORKSHOP = Path("tests/projects/workshop")
FAULTS, CLEAN = Path("tests/faults"), Path("tests/clean")
BUGS = Path("BUGS.md")

FAULT = """\
what: TODO what a person writes, in one sentence.
category: TODO      # {categories}
class: A            # A the run itself shows it, B one declared fact is needed, D a matter of degree (doses: […])
run: [train.py conf=cnn]
caught: {{by: TODO, stage: TODO, says: TODO}}      # a name that `receipts checks` lists, or refusal
past: {day}
slips: true         # take this line out once a check catches it
"""
HONEST = """\
what: TODO what is right about it, in one sentence.
run: [train.py conf=cnn]
"""
CATEGORIES = (
    *("splits", "selection", "data", "labels", "preprocessing", "model", "loss"),
    *("training", "evaluation", "checkpoints", "configuration", "reporting"),
)


def new(name: str, clean: bool) -> list[str]:
    """Begin a case: its folder, its patch and, for a bug, its line in BUGS.md. Returns what is left to do, as lines."""
    folder = (CLEAN if clean else FAULTS) / name
    refuse_unfit(name, folder)
    change = git.patch(git.dirty([WORKSHOP.as_posix()])).replace(f"/{WORKSHOP.as_posix()}/".encode(), b"/")
    if not change:
        raise Refusal(
            f"nothing differs in {WORKSHOP} from the commit",
            "a case is a change of that project: the fewest lines that show the bug, or that raise the alarm",
            f"make the change there, then receipts faults new {'--clean ' if clean else ''}{name}",
        )
    day, told = datetime.now(UTC).date().isoformat(), folder / ("clean.yaml" if clean else "fault.yaml")
    folder.mkdir(parents=True)
    write_atomically(folder / "change.patch", change)
    text = HONEST if clean else FAULT.format(categories=" ".join(CATEGORIES), day=day)
    write_atomically(told, text.encode())
    if not clean:
        with BUGS.open("a", encoding="utf-8") as file:
            file.write(f"| {day} | TODO what was seen | TODO the check that should have caught it | `{name}` |\n")
    return [
        f"{folder}/change.patch: {len(change.splitlines())} lines; git checkout {WORKSHOP} takes them back there",
        f"fill in  {told}" + ("" if clean else f" and the last line of {BUGS}"),
        f"then     pytest -k {name}",
    ]


def refuse_unfit(name: str, folder: Path) -> None:
    """A name that is none or is taken, and a project without the suite."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise Refusal(
            f"{name!r} is no name for a case", "it becomes a folder", "small letters and hyphens: rows-of-one-patient"
        )
    if folder.exists():
        raise Refusal(f"{folder} exists", "a case is never overwritten", "choose another name")
    if not WORKSHOP.is_dir():
        raise Refusal(
            f"there is no {WORKSHOP}",
            "cases are changes of that project, which comes with the source of receipts",
            "git clone the repository of receipts, and report it there",
        )
