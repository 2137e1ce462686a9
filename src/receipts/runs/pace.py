"""How long a training step takes, beside what it took in recorded runs of the same method on the same machine."""

import statistics
from pathlib import Path

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs.record import Record

LOOKED, ENOUGH = 20, 2  # runs of the experiment that are read, the newest, and how many of them make a median
SLOWER = 2.0


def slower(record: Record, step_s: float | None) -> str:
    """In words, that a step takes over twice as long as it did; empty where it does not, or too little is known.

    What runs took for a step is their whole time over all steps, validation included, so a note is never hasty.
    """
    known = [seconds for path in earlier(record) if (seconds := of_a_step(path, record)) is not None]
    if step_s is None or len(known) < ENOUGH or step_s <= SLOWER * statistics.median(known):
        return ""
    usual = statistics.median(known)
    seen = f"what it took in {len(known)} recorded runs ({usual:.3g} s)"
    return f"a step takes {step_s:.3g} s, {step_s / usual:.1f} times {seen}"


def earlier(record: Record) -> list[Path]:
    """The folders of the newest runs of the same experiment, this one aside."""
    folders = sorted(RUNS.glob(f"*-{record.conf}-s*"), reverse=True)
    return [folder for folder in folders if folder.name != record.run_id][:LOOKED]


def of_a_step(folder: Path, record: Record) -> float | None:
    """Seconds a step of a completed run of this method, made where this one is; None of any other."""
    try:
        found = records.read(folder)
    except Refusal:  # `receipts ls` names it
        return None
    same = (found.method, found.process.host, found.world) == (record.method, record.process.host, record.world)
    if not same or found.status != "completed" or found.cost is None or not found.steps:
        return None
    return found.cost.wall_s / found.steps
