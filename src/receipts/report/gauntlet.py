"""What gauntlet.py found, as it stays beside a report: `gauntlet.json` is carried over, the rest is made from it."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from receipts.refusal import Refusal
from receipts.report.model import Report
from receipts.runs.files import write_atomically
from receipts.runs.views import escaped

NAME, TEXT = "gauntlet.json", "gauntlet.md"
SCHEMA = 1

Word = Literal["pass", "fail", "not applicable", "not run", "skipped"]
ORDER: tuple[Word, ...] = ("fail", "pass", "not run", "skipped", "not applicable")


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """One check of one method (`of` is empty for the whole project): what was asserted, what was seen, what to do."""

    check: str
    of: str
    verdict: Word
    evidence: str
    asserts: str = ""
    cure: str = ""
    seconds: float | None = None


class Gauntlet(msgspec.Struct, forbid_unknown_fields=True):
    """One pass: when, at which commit, by which command, for which runs of which method, and every verdict."""

    schema: int
    at: str
    commit: str
    command: str
    runs: dict[str, list[str]]
    verdicts: list[Verdict]

    @property
    def summary(self) -> str:
        """How many checks came to which verdict."""
        counted = Counter(one.verdict for one in self.verdicts)
        return ", ".join(f"{counted[word]} {word}" for word in ORDER if counted[word])


def read(folder: Path) -> Gauntlet | None:
    """What lies in a report's folder; None where no gauntlet was run."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Gauntlet)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"{path} cannot be read", str(error), "python gauntlet.py      (or delete it)") from error


def keep(found: Gauntlet, folder: Path) -> None:
    """Write both files into a report's folder."""
    write_atomically(folder / NAME, msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    write_text(folder)


def carry(old: Path, fresh: Path) -> None:
    """Take what was found along into a fresh folder."""
    if (old / NAME).is_file():
        shutil.copy(old / NAME, fresh / NAME)


def write(report: Report, folder: Path) -> None:
    """The text of what was carried over."""
    write_text(folder)


def write_text(folder: Path) -> None:
    """`gauntlet.md`, where there is a `gauntlet.json`."""
    found = read(folder)
    if found is not None:
        write_atomically(folder / TEXT, markdown(found).encode())


def other_runs(found: Gauntlet, report: Report) -> list[str]:
    """Methods whose runs in today's tables are not those that ran the gauntlet."""
    today = {row.label: {run.run_id for run in row.runs} for table in report.tables for row in table.rows}
    return [label for label, runs in found.runs.items() if label in today and today[label] != set(runs)]


def markdown(found: Gauntlet) -> str:
    """The verdicts as a page, the failed ones first."""
    methods = [f"- `{label}`: {', '.join(f'`{run}`' for run in runs)}" for label, runs in found.runs.items()]
    lines = ["| check | method | verdict | evidence |", "|---|---|---|---|"]
    for one in ordered(found):
        cure = f" **{escaped(one.cure)}**" if one.verdict == "fail" and one.cure else ""
        lines.append(f"| {one.check} | {escaped(one.of)} | {one.verdict} | {escaped(one.evidence)}{cure} |")
    asserted = {one.check: one.asserts for one in found.verdicts if one.asserts}
    meaning = [f"- **{name}**: {text}" for name, text in asserted.items()]
    parts = ["# Gauntlet", f"{found.summary}. Run {found.at} at commit `{found.commit[:12]}`: `{found.command}`."]
    parts += ["\n".join(lines), "## What each check holds true", "\n".join(meaning), "## Runs", "\n".join(methods)]
    return "\n\n".join(parts) + "\n"


def ordered(found: Gauntlet) -> list[Verdict]:
    """What failed first, and otherwise as it was run."""
    return sorted(found.verdicts, key=lambda one: ORDER.index(one.verdict))
