"""What the runs had installed, against the lock that they name."""

import json

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from receipts.bounds import read_whole
from receipts.config.project import LOCK
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject
from receipts.provenance.identity import file_hash
from receipts.refusal import Refusal
from receipts.runs import store
from receipts.runs.record import Record


def judge(subject: Subject, terms: Terms) -> Outcome:
    """Each package that a run had and the lock pins has the pinned version; a build's `+cpu` is no other version."""
    pins, wrong, counted, other = pinned(), [], 0, []
    for run in subject.runs:
        if run.identity.lock != file_hash(LOCK):
            other.append(run.run_id)
            continue
        had = packages(run)
        both = sorted(pins.keys() & had.keys())
        counted += len(both)
        wrong += [f"{run.run_id}: {n} {had[n]}, pinned {pins[n]}" for n in both if had[n].split("+")[0] != pins[n]]
    if wrong:
        return failed("; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""))
    if not counted:
        return undone(f"{LOCK} pins nothing that the runs had installed" if not other else f"{LOCK} is another by now")
    told = f"{len(pins)} pins; {counted} versions of {len(subject.runs) - len(other)} runs are the pinned ones"
    return passed(told + (f"; {len(other)} runs name another lock" if other else ""))


def pinned() -> dict[str, str]:
    """Package to version, as the lock pins them for a machine like this one."""
    text = LOCK.read_text(encoding="utf-8") if LOCK.is_file() else ""
    found = [one for line in text.splitlines() if (one := requirement(line)) is not None]
    exact = {canonicalize_name(one.name): [s.version for s in one.specifier if s.operator == "=="] for one in found}
    return {name: versions[0].split("+")[0] for name, versions in exact.items() if versions}


def requirement(line: str) -> Requirement | None:
    """A line of the lock; None for options, comments, and what is meant for other systems or Pythons."""
    try:
        found = Requirement(line.partition(" #")[0].strip().rstrip("\\").strip())
    except InvalidRequirement:
        return None
    return found if found.marker is None or found.marker.evaluate() else None


def packages(run: Record) -> dict[str, str]:
    """What a run had installed."""
    path = store.folder(run) / "environment.json"
    try:
        facts = json.loads(read_whole(path)) if path.is_file() else {}
        return {canonicalize_name(name): str(version) for name, version in (facts.get("packages") or {}).items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise Refusal(f"{path} is no environment of a run", str(error), "restore it from a backup") from error


CHECK = Check(
    "installed",
    "What the runs had installed is what the lock pins.",
    "make env, then train again",
    judge,
    of_project=True,
    apart=False,
    kept=False,
)
