"""What the splits share: rows, near twins, entities, the future; from the manifest, so that nothing is opened."""

from pathlib import Path

import msgspec

from receipts.data.manifest import Manifest
from receipts.gauntlet.check import Check, Outcome, Terms, failed, passed, undone
from receipts.gauntlet.subjects import Subject
from receipts.runs import repeat


def judge(subject: Subject, terms: Terms) -> Outcome:
    """The facts that `receipts split` found out."""
    path = Path(subject.run.data.manifest)
    if not path.is_file():
        return undone(f"{path} is not here")
    found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    if found.facts is None:
        return undone("the DataModule keeps its rows to itself, so nobody may compare the splits")
    facts, waived = found.facts, repeat.frozen(subject.run).config.waive
    seen = {
        "duplicates-across": (facts.duplicates_across, f"{facts.duplicates_across} rows stand in two splits"),
        "near-duplicates-across": (
            facts.near_duplicates_across.n,
            f"{facts.near_duplicates_across.n} rows of val and test have a twin closer than "
            f"{facts.near_duplicates_across.below:g} elsewhere ({facts.near_duplicates_across.method})",
        ),
        "entities-across": (facts.entities or 0, f"{facts.entities} entities stand in two splits"),
        "times-across": (facts.times is False, "train holds rows that are later than test"),
    }
    wrong = [text for name, (count, text) in seen.items() if count and not waived.get(name)]
    passing = [f"{text} (waived: {waived[name]})" for name, (count, text) in seen.items() if count and name in waived]
    unknown = [name for name, fact in (("entities", facts.entities), ("times", facts.times)) if fact is None]
    if wrong:
        return failed("; ".join(wrong))
    told = "; ".join(passing) or "no row, no near twin and nothing declared is shared by two splits"
    return passed(told + (f"; the dataset declares no {' and no '.join(unknown)}" if unknown else ""))


CHECK = Check(
    "duplicates",
    "No split shares rows, near twins or entities with another one, and train is not later than test.",
    "divide anew by entity or by time (split.rule), or drop the twins where the data are derived",
    judge,
    apart=False,
    kept=False,
)
