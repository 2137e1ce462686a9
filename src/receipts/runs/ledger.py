"""Who looked at a sealed split: the union of what all records say, our own and those that others have sent."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs.pulling import PULLED, WITHDRAWN
from receipts.runs.record import Opening, Record


def openings(split: str, read: Iterable[Record]) -> list[Opening]:
    """Every opening of a split by anybody whose records are here, once each; `read` are records at hand already."""
    known = {record.run_id: record for record in read}
    found: dict[tuple[str, ...], list[Opening]] = {}
    for record in (*known.values(), *others(known.keys())):
        told: dict[tuple[str, ...], list[Opening]] = {}
        for one in record.openings:
            if one.split == split:  # two of one second are two: only copies of a record are the same twice
                told.setdefault((record.run_id, one.at, one.by, one.commit), []).append(one)
        found |= {key: max(same, found.get(key, []), key=len) for key, same in told.items()}
    return [one for same in found.values() for one in same]


def others(known: Iterable[str]) -> Iterator[Record]:
    """Records in runs/ and among the pulled ones that are not known; unreadable ones are told of elsewhere."""
    skipped = set(known)
    if not PULLED.is_dir():
        return  # nobody shares with us, so whoever collected the runs here knows them all
    pulled = (path for pattern in ("*/*", f"*/{WITHDRAWN}/*") for path in PULLED.glob(f"{pattern}/record.json"))
    for path in (*RUNS.glob("*/record.json"), *pulled):
        if path.parent.name not in skipped:
            with suppress(Refusal):
                yield records.read(path.parent)
