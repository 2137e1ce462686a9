"""Which runs are one method: a row's runs, those that came to nothing, and those that a newer version supersedes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from receipts.refusal import CheckFailed, Refusal
from receipts.runs.process import state
from receipts.runs.record import Record

Label = tuple[str, tuple[str, ...]]

ALLOWED = {  # how an obstacle in a record begins, and the word of `allow=` that lets it pass
    "dirty": "dirty",
    "limit": "mixed-presets",
    "the data are": "synthetic",
    "it starts from": "tainted-parent",
}
VERSION = ("config", "code", "lock", "data", "split")


@dataclass(frozen=True, slots=True)
class Picked:
    """The runs behind one row. `reasons` maps every run that is not in it to why, `folds` run id to fold.

    `missing` counts the cells of a plan that have no run; `note` says what a row without runs waits for.
    """

    name: str
    label: str
    runs: tuple[Record, ...] = ()
    failed: tuple[Record, ...] = ()
    missing: int = 0
    folds: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    expect: str = ""
    superseded: int = 0


def dataset(record: Record) -> str:
    """A dataset's name: that of its manifest, folds apart."""
    return whole(record.data.name)


@cache
def whole(name: str) -> str:
    """The name of the dataset that a fold is of: asked for each of many runs, and of few names."""
    return re.sub(r"-fold\d+$", "", name)


def label(record: Record) -> Label:
    """What a method is called: its experiment and what differs from that file, seed and limits aside."""
    return record.conf, tuple(sorted(word for word in record.overrides if not word.startswith(("seed=", "limit."))))


def labelled(records: Sequence[Record]) -> dict[Label, list[Record]]:
    """All records by what their method is called."""
    found: dict[Label, list[Record]] = {}
    for record in records:
        found.setdefault(label(record), []).append(record)
    return found


def shown(found: Label) -> str:
    """A label as a person types it in report.yaml."""
    return " ".join((found[0], *found[1]))


def slug(text: str) -> str:
    """A text as a part of a key."""
    return re.sub(r"[^\w+-]+", "-", text.replace("model.", "")).strip("-") or "row"


def version(record: Record) -> tuple[str, ...]:
    """What all seeds of one method have in common: config without seed, code, lock, data, split."""
    identity = record.identity
    return record.method or identity.config, identity.code, identity.lock, identity.data, identity.split


def obstacle(record: Record, split: str, allow: Iterable[str] = ()) -> str:
    """Why a run cannot be in a table of this split; empty where it can."""
    if record.status != "completed":
        told = {"failed": record.failure.reason if record.failure else "no reason was recorded"}
        how = state(record)
        return f"{how}: {told[how]}" if how in told else {"stale": "stale: its process is gone"}.get(how, how)
    if blocked := forbidden(record, allow):
        return f"not reportable: {'; '.join(blocked)}"
    return "" if record.score(split) else f"not scored on {split}"


def forbidden(record: Record, allow: Iterable[str]) -> list[str]:
    """What keeps a run out of a paper and is not allowed by name."""
    found = record.blocked_by or ([] if record.reportable else ["its record does not say that it may be reported"])
    return [text for text in found if word(text) not in allow]


def word(blocked: str) -> str:
    """The word of `allow=` for an obstacle; empty for a failed check, which nothing allows."""
    return next((name for beginning, name in ALLOWED.items() if blocked.startswith(beginning)), "")


def pick(name: str, text: str, records: Sequence[Record], split: str, allow: Mapping[str, str]) -> Picked:
    """A row out of all runs of one label: the newest version that has a score, its other runs, and what it supersedes.

    A clean run comes before one that is allowed by name only.
    """
    why = {record.run_id: obstacle(record, split, allow) for record in records}
    usable = [record for record in records if not why[record.run_id]]
    newest = max(usable or records, key=lambda record: (not record.blocked_by, record.run_id), default=None)
    if newest is None:
        return Picked(name, text)
    chosen = version(newest)
    same = [record for record in records if version(record) == chosen]
    reasons = {record.run_id: superseded(record, newest) for record in records if version(record) != chosen}
    return row(name, text, same, why, reasons)


def row(
    name: str, text: str, same: Sequence[Record], why: Mapping[str, str], reasons: Mapping[str, str], missing: int = 0
) -> Picked:
    """One version's runs, the first of each identity, and the rest of them."""
    first: dict[str, Record] = {}
    told = dict(reasons)
    for record in same:
        if why[record.run_id]:
            told[record.run_id] = why[record.run_id]
        elif (other := first.setdefault(record.identity.id, record)) is not record:
            told[record.run_id] = f"the identity of {other.run_id}, which came first"
    runs = tuple(sorted(first.values(), key=lambda record: (record.seed, record.run_id)))
    failed = tuple(record for record in same if why[record.run_id])
    return Picked(name, text, runs, failed, missing, reasons=told, superseded=len(reasons))


def superseded(record: Record, newest: Record) -> str:
    """Why an older version of a method does not count."""
    parts = [part for part, a, b in zip(VERSION, version(record), version(newest), strict=True) if a != b]
    return f"superseded by {newest.run_id}: other {', '.join(parts)}"


def refuse_blocked(table: str, picked: Picked, split: str) -> None:
    """Refuse a row all of whose scored runs are kept out of a paper; exit code 4 where a check failed them."""
    scored = [run for run in picked.failed if run.status == "completed" and run.score(split)]
    if picked.runs or not scored:
        return
    named = "; ".join(f"{run.run_id}: {', '.join(run.blocked_by)}" for run in scored[:4])
    words = sorted({word(blocked) for run in scored for blocked in run.blocked_by})
    what = f"{table} asks for {picked.label}, and none of its runs may be reported"
    if "" in words:
        codes = ", ".join(dict.fromkeys(check.code for run in scored for check in run.failing))
        raise CheckFailed("report", what, named, f"mend what {codes or 'the check'} found and run it again")
    allowed = ", ".join(f"{name}: REASON" for name in words)
    raise Refusal(
        what,
        named,
        f"run it clean and in full: python train.py conf={scored[0].conf}      (or 'allow={{{allowed}}}')",
    )
