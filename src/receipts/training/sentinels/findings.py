"""What the sentinels of one fit have seen, and what follows: a line in the record, or the end of the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from receipts.checks.catalogue import failed, not_applicable, not_run, passed, settled, stop_at_failure
from receipts.runs.log import progress, say
from receipts.runs.record import Check


class Findings:
    """Verdicts by name, added to the record's own list as they come; a failure ends the fit unless it is waived.

    `limited` runs are looks: whatever judges how good a number is does not apply to them.
    """

    lasting = ("told",)

    def __init__(self, checks: list[Check], waived: Mapping[str, str], folder: Path, limited: bool) -> None:
        self.checks, self.waived, self.folder, self.limited = checks, waived, folder, limited
        self.closed: set[str] = set()
        self.own: list[Check] = []

    @property
    def told(self) -> list[dict[str, Any]]:
        """The verdicts of this fit in plain containers; given to a run that goes on, they stand."""
        return [msgspec.to_builtins(check) for check in self.own]

    @told.setter
    def told(self, told: list[dict[str, Any]]) -> None:
        for check in told:
            self.add(msgspec.convert(check, Check))

    def passes(self, name: str, evidence: str) -> None:
        """The check holds; said once."""
        self.add(passed(name, evidence))

    def is_beside(self, name: str, reason: str) -> None:
        """There is nothing here that the check could be about."""
        self.add(not_applicable(name, reason))

    def is_open(self, name: str, reason: str) -> None:
        """The check could not be made."""
        self.add(not_run(name, reason))

    def fails(self, name: str, evidence: str, file: str | None = None) -> None:
        """The check does not hold: raises `CheckFailed`, or goes on where the experiment's own file waives it."""
        (check,) = settled([failed(name, evidence, file)], self.waived)
        self.add(check)
        stop_at_failure([check])

    def notes(self, line: str) -> None:
        """Something worth reading that is no verdict."""
        say(f"  note  {line}")

    def add(self, check: Check) -> None:
        """Keep the first verdict of each name."""
        if check.code not in self.closed:
            self.closed.add(check.code)
            self.checks.append(check)
            self.own.append(check)
            progress.info("check %s: %s: %s", check.code, check.verdict, check.evidence)
