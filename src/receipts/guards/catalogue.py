"""Every check by name: when it runs, what it holds true, and how to cure what it finds.

A check yields one `Check` in the record: `pass`, `fail`, `not applicable` (nothing of the kind is declared), `not run`
(with the reason) or `waived` (with who and why). One that fails before or while training ends the run as failed; one
that fails afterwards keeps its numbers out of every report. Either way the exit code is 4.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from receipts.refusal import CheckFailed
from receipts.runs.record import Check

Stage = Literal["static", "pre-flight", "training", "after"]


@dataclass(frozen=True, slots=True)
class Guard:
    """One check. `performance` marks those that judge how good a number is, which a run under a limit cannot answer.

    `asserts` is one sentence about the project, true when the check passes; `cure` one about what to do.
    """

    name: str
    stage: Stage
    asserts: str
    cure: str
    performance: bool = False


GUARDS: dict[str, Guard] = {}


def declare(*guards: Guard) -> None:
    """Add checks to the catalogue; each name is given once."""
    for guard in guards:
        assert guard.name not in GUARDS, f"two checks are called {guard.name}"
        GUARDS[guard.name] = guard


def passed(name: str, evidence: str) -> Check:
    """The check holds."""
    return Check(name, "pass", evidence, stage=GUARDS[name].stage)


def failed(name: str, evidence: str, file: str | None = None) -> Check:
    """The check does not hold: what was seen, in numbers and ids, and where more of it is stored."""
    return Check(name, "fail", evidence, stage=GUARDS[name].stage, cure=GUARDS[name].cure, file=file)


def not_applicable(name: str, reason: str) -> Check:
    """Nothing of what the check is about is there or declared."""
    return Check(name, "not applicable", reason, stage=GUARDS[name].stage)


def not_run(name: str, reason: str) -> Check:
    """The check could not be made here; never to be read as passed."""
    return Check(name, "not run", reason, stage=GUARDS[name].stage)


def settled(checks: Iterable[Check], waived: Mapping[str, str]) -> list[Check]:
    """The checks with those failures waived that the experiment's own file waives, evidence and reason kept."""
    return [
        Check(check.code, "waived", f"{waived[check.code]} (it saw: {check.evidence})", check.stage, "", check.file)
        if check.verdict == "fail" and waived.get(check.code, "").strip()
        else check
        for check in checks
    ]


def stop_at_failure(checks: Iterable[Check]) -> None:
    """End the run where a check failed; all that failed are told, the first as the reason."""
    found = [check for check in checks if check.verdict == "fail"]
    if found:
        others = "".join(f"; also {check.code}: {check.evidence}" for check in found[1:])
        raise CheckFailed(
            found[0].code,
            f"the check {found[0].code} failed",
            found[0].evidence + others,
            f"{found[0].cure}      (if it is wrong: waive: {{{found[0].code}: the reason}} in the YAML)",
        )
