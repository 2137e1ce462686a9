"""All run folders, read once: records, plans, and what cannot be read with the reason. Nothing here ever crashes."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from receipts.bounds import read_with_state
from receipts.config.project import RUNS
from receipts.provenance.remembered import seen
from receipts.refusal import Refusal
from receipts.runs import plans, vetted
from receipts.runs import record as records
from receipts.runs.plans import Plan
from receipts.runs.record import Metric, Record
from receipts.runs.vetted import Vetted

OURS = (plans.FOLDER, "stages", "gauntlet")


@dataclass(frozen=True, slots=True)
class Collected:
    """Every record, oldest first; every plan; and each folder that holds no record that can be read, with the reason.

    `findings` are identities with two different numbers, `folder` is where the runs lie.
    """

    records: Sequence[Record]
    plans: Sequence[Plan]
    broken: Mapping[str, str]
    findings: Sequence[str]
    folder: Path = RUNS


def collect(runs: Path = RUNS, *, remember: bool = False) -> Collected:
    """Read a folder of runs; a damaged, deleted or foreign folder becomes an entry of `broken`.

    `remember` keeps beside the runs which records were examined, so that the next reading is quicker.
    """
    found: list[Record] = []
    broken: dict[str, str] = {}
    read, known = msgspec.json.Decoder(Record).decode, vetted.load(runs)
    with uncollected():
        for name in names(runs):
            try:
                record = decoded(read, runs, name, known)
            except Refusal as problem:
                broken[name] = f"{problem.what}: {problem.why}".splitlines()[0]
                continue
            if record.run_id == name:
                found.append(record)
            else:
                broken[name] = f"the record inside is that of {record.run_id}"
    if remember:
        known.keep()
    made, unreadable = planned(runs)
    broken |= unreadable | missing(made, {record.run_id for record in found} | set(broken))
    return Collected(found, made, broken, nondeterminism(found), runs)


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection meanwhile, and none of what was made meanwhile later on: records stay to the end.

    It would walk through all of them again and again, which more than doubles the time, and find nothing.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if before:
            gc.enable()


def names(runs: Path) -> list[str]:
    """The folders of runs, whole, damaged or foreign, in the order of their names, which is that of time."""
    if not runs.is_dir():
        return []
    with os.scandir(runs) as entries:
        found = [entry.name for entry in entries if entry.is_dir()]
    return sorted(name for name in found if name[0] != "." and name not in OURS)


def decoded(read: Callable[[bytes], Record], runs: Path, name: str, known: Vetted) -> Record:
    """A record, by one pass over its bytes; whatever is wrong with it is told by the slower reader."""
    path = f"{runs}/{name}/record.json"  # a tenth of the time of a Path
    try:
        data, entry = read_with_state(path)
    except FileNotFoundError:
        return records.read(runs / name)
    except OSError as error:
        raise Refusal(f"{path} cannot be read", str(error), "look at its permissions") from error
    try:
        record = read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return records.decode(data, Path(path))
    state = seen(entry)
    if not known.knows(name, state):
        if records.encode(record) != data:  # of an older core, by hand, or with a key that stands twice
            record = records.decode(data, Path(path))
        known.add(name, state)
    return record


def planned(runs: Path) -> tuple[list[Plan], dict[str, str]]:
    """Every plan, oldest first, and those that cannot be read."""
    found, broken = [], {}
    for folder in plans.folders(runs):
        try:
            found.append(plans.read(folder))
        except Refusal as problem:
            broken[f"{plans.FOLDER}/{folder.name}"] = f"{problem.what}: {problem.why}".splitlines()[0]
    return found, broken


def missing(made: Iterable[Plan], known: set[str]) -> dict[str, str]:
    """Runs that a plan names and nobody has any more."""
    return {
        cell.run_id: f"{plan.plan_id} names it ({cell.arm}, seed {cell.seed}), and its folder is gone"
        for plan in made
        for cell in plan.cells
        if cell.run_id is not None and cell.run_id not in known
    }


def nondeterminism(found: Sequence[Record]) -> list[str]:
    """Identities that two completed runs claim with different numbers, though nothing they rest on was another."""
    told = []
    first: dict[str, Record] = {}
    for record in found:
        if record.status != "completed":
            continue
        other = first.setdefault(record.identity.id, record)
        if difference := differs(other, record):
            told.append(
                f"NONDETERMINISM  {other.run_id} and {record.run_id} have one identity and different numbers: "
                f"{difference}; the earlier one counts"
            )
    return told


def differs(one: Record, other: Record) -> str:
    """The first number that two runs of one identity disagree on, by the same harness; nothing where all agree."""
    if one is other:
        return ""
    for split in dict.fromkeys(score.split for score in one.scores):
        a, b = one.score(split), other.score(split)
        if a is None or b is None or (a.harness, a.own) != (b.harness, b.own):
            continue
        for name in [name for name in a.metrics if name in b.metrics]:
            if (values := (value(a.metrics[name]), value(b.metrics[name])))[0] != values[1]:
                return f"{split} {name} {values[0]} and {values[1]}"
    return ""


def value(metric: Metric) -> str:
    """A number to its last digit, or the word for none."""
    return "undefined" if metric.value is None else repr(metric.value)
