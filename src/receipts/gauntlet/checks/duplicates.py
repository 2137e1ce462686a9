"""What the splits share: rows, near twins, entities, the future; from the manifest, so that nothing is opened."""

from pathlib import Path

import msgspec

from receipts.data.facts import Facts
from receipts.data.manifest import Manifest
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject

RECORDED = ("split-overlap", "near-duplicates", "entity-overlap", "time-order", "feature-leaks-the-label")
FEW = 0.01  # share of the rows held back that may equal others by themselves


def judge(subject: Subject, terms: Terms) -> Outcome:
    """What the run's own checks of its splits said; of a run without any, the facts that `receipts split` found out."""
    recorded = {check.code: check for check in subject.run.checks if check.code in RECORDED}
    if any(check.verdict != "not run" for check in recorded.values()):
        told = "; ".join(f"{check.code} {check.verdict}: {check.evidence}" for check in recorded.values())
        return failed(told) if any(check.verdict == "fail" for check in recorded.values()) else passed(told)
    path = Path(subject.run.data.manifest)
    if not path.is_file():
        return undone(f"{path} is not here")
    found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    if found.facts is None:
        return undone("the DataModule keeps its rows to itself, so nobody may compare the splits")
    return from_facts(found.facts, sum(part.n or 0 for name, part in found.splits.items() if name != "train"))


def from_facts(facts: Facts, held: int) -> Outcome:
    """A verdict by the manifest; few equal rows, and near twins, may be natural, so that they are only told."""
    wrong: list[str] = []
    seen: list[str] = []
    if facts.duplicates_across:
        many = facts.duplicates_across > FEW * held
        (wrong if many else seen).append(f"{facts.duplicates_across} rows stand in two splits")
    if facts.entities:
        wrong.append(f"{facts.entities} entities stand in two splits")
    if facts.times is False:
        wrong.append("train holds rows that are later than val or test")
    if facts.near_duplicates_across.n:
        seen.append(f"{facts.near_duplicates_across.n} held-back rows have a near twin in another split")
    unknown = [name for name, fact in (("entities", facts.entities), ("times", facts.times)) if fact is None]
    seen += [f"the dataset declares no {' and no '.join(unknown)}"] if unknown else []
    told = "; ".join([*wrong, *seen]) or "nothing is shared by two splits"
    return failed(told) if wrong else passed(told)


CHECK = Check(
    "duplicates",
    "No split shares rows or entities with another one, and train is not later than test.",
    "divide anew by entity or by time (split.rule), or drop the twins where the data are derived",
    judge,
    apart=False,
    kept=False,
)
