"""Who looked at a run, at what and when: the ticks that `receipts review` stores beside it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from receipts.bounds import read_whole
from receipts.config.project import RUNS
from receipts.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Tick:
    """One item of a review that somebody signed."""

    item: str
    by: str
    at: str


def ticks(run_id: str) -> list[Tick]:
    """The signed items of a run; none where nobody reviewed it, or its folder is elsewhere."""
    path = f"{RUNS}/{run_id}/review.json"
    if not os.access(path, os.F_OK):  # a report asks for thousands, and most have none
        return []
    return [Tick(name, each["by"], each["at"]) for name, each in stored(path).items() if "by" in each]


def stored(path: Path | str) -> dict[str, dict[str, str]]:
    """What a review.json holds, by item: texts alone; refused where it is not such a file.

    Raises `FileNotFoundError` where there is none.
    """
    try:
        items = msgspec.json.decode(read_whole(path), type=list[dict[str, str]])
        if unsigned := [each["item"] for each in items if ("by" in each) != ("at" in each)]:
            raise LookupError(f"{unsigned[0]} is signed by half: it needs both by and at")
        return {each["item"]: each for each in items}
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, RecursionError) as error:
        raise Refusal(f"{path} cannot be read", str(error), "delete it, and tick again") from error


def told(run_ids: Iterable[str]) -> str:
    """What was looked at in some runs, by whom and when last, in one phrase; nothing where nobody did."""
    signed: dict[str, list[Tick]] = {}
    for run_id in run_ids:
        for tick in ticks(run_id):
            signed.setdefault(tick.by, []).append(tick)
    return "; ".join(
        f"{', '.join(dict.fromkeys(tick.item for tick in found))} looked at by {by} "
        f"on {max(tick.at for tick in found)[:10]}"
        for by, found in sorted(signed.items())
    )
