"""Every check by name: when it runs, what it holds true, and how to cure what it finds.

A check yields one `Check` in the record: `pass`, `fail`, `not applicable` (nothing of the kind is declared), `not run`
(with the reason) or `waived` (with the reason). One that fails before or while training ends the run as failed; one
that fails afterwards keeps its numbers out of every report. Either way the exit code is 4.

A code in a record is a name from here, with the split before it where every split has its own: `val-rescored`. Each
of a researcher's own metrics is checked under `own-metric` and recorded as `val-own-NAME`.
"""

from collections.abc import Iterable, Mapping

from receipts.checks import after, preflight, static, training
from receipts.checks.guard import Guard
from receipts.provenance import git
from receipts.refusal import CheckFailed, Refusal, nearest
from receipts.runs.record import Check

GUARDS: dict[str, Guard] = {}
NOTE = "; NOTE: "  # in evidence: what follows is no failure, and a person is to read it


def declare(*guards: Guard) -> None:
    """Add checks to the catalogue; each name is given once."""
    for guard in guards:
        assert guard.name not in GUARDS, f"two checks are called {guard.name}"
        GUARDS[guard.name] = guard


declare(*static.GUARDS, *preflight.GUARDS, *training.GUARDS, *after.GUARDS)


def guard_of(code: str) -> Guard:
    """The check that a code in a record stands for, with or without a split before its name."""
    name = code.partition("-")[2]
    if name.startswith("own-") and code not in GUARDS:
        return GUARDS["own-metric"]
    return GUARDS[code] if code in GUARDS else GUARDS[name]


def passed(code: str, evidence: str, file: str | None = None) -> Check:
    """The check holds."""
    return Check(code, "pass", evidence, stage=guard_of(code).stage, file=file)


def failed(code: str, evidence: str, file: str | None = None) -> Check:
    """The check does not hold: what was seen, in numbers and ids, and where more of it is stored."""
    guard = guard_of(code)
    return Check(code, "fail", evidence, stage=guard.stage, cure=guard.cure, file=file)


def not_applicable(code: str, reason: str) -> Check:
    """Nothing of what the check is about is there or declared."""
    return Check(code, "not applicable", reason, stage=guard_of(code).stage)


def not_run(code: str, reason: str) -> Check:
    """The check could not be made here; never to be read as passed."""
    return Check(code, "not run", reason, stage=guard_of(code).stage)


def settled(checks: Iterable[Check], waived: Mapping[str, str]) -> list[Check]:
    """The checks with those failures waived that the experiment's own file waives: why, by whom, and what was seen."""
    return [
        Check(check.code, "waived", f"{reason} ({signed()}it saw: {check.evidence})", check.stage, "", check.file)
        if check.verdict == "fail" and (reason := reason_for(check.code, waived))
        else check
        for check in checks
    ]


def signed() -> str:
    """Whose run lets a failure pass, as git names people; nothing where git knows no name."""
    name = git.name()
    return f"waived by {name}; " if name else ""


def reason_for(code: str, waived: Mapping[str, str]) -> str:
    """Why a check's failure is accepted: by its code, or by its name for every split; nothing where it is not."""
    return (waived.get(code, "") or waived.get(guard_of(code).name, "")).strip()


def refuse_unknown_waivers(waived: Mapping[str, str]) -> None:
    """Refuse a waiver of something that is no check, and one without a reason."""
    for name, reason in waived.items():
        try:
            guard_of(name)
        except KeyError as error:
            raise Refusal(
                f"waive names {name!r}, which is no check{nearest(name, list(GUARDS))}",
                "a waiver that waives nothing would look as if something had been accepted",
                "correct the name, or take the line out      (receipts checks lists them)",
            ) from error
        if not str(reason or "").strip():
            raise Refusal(
                f"waive.{name} gives no reason",
                "the reason is printed wherever the number is",
                f"waive: {{{name}: why this failure is accepted}}",
            )


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
