"""Runs and plans that others recorded, brought from the MLflow server that a team shares, as folders like our own.

What comes from a server is untrusted: only names that this core itself writes are asked for, each file must have the
hash that its record or its tag states, and nothing is written outside the folder of its run or plan.
"""

import glob
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from receipts.bounds import LONGEST, read_whole
from receipts.config.project import RUNS
from receipts.provenance import secrets
from receipts.refusal import Refusal
from receipts.runs import plans, tracking
from receipts.runs.answers import pages, refuse_elsewhere
from receipts.runs.record import Record, decode
from receipts.runs.shelf import Shelf, sha256

PULLED = RUNS / ".pulled"  # a cache: hidden, so that no other command takes these runs for its own
WITHDRAWN = ".withdrawn"  # within the folder of a server: what it had once
AT_ONCE, MANY = 8, 256  # runs that are asked for at once: MLflow keeps ten connections; and looked at, to bound memory


@dataclass
class Pulled:
    """What a pull did, by run id; `refused` maps to the reason, `altered` to numbers that are not the record's.

    `plans` are those that lie here now, brought by this pull or by an earlier one; `withdrawn` are runs and plans of an
    earlier one that the server no longer has.
    """

    folder: Path
    taken: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    altered: dict[str, str] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)

    def add(self, other: "Pulled") -> None:
        """What was done beside it."""
        self.taken += other.taken
        self.plans += other.plans
        self.already += other.already
        self.refused |= other.refused
        self.altered |= other.altered


def pull(cache: Path) -> Pulled:
    """Bring every run and plan of this project's experiment that was sent in full into a folder of the cache."""
    try:
        store = tracking.Store()
        key = hashlib.sha256(f"{tracking.address()}\n{store.experiment}".encode()).hexdigest()[:8]
        done = Pulled(cache / key)
        done.folder.mkdir(parents=True, exist_ok=True)
        seen: dict[str, str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for some in together(listed(store)):
                for one in pool.map(partial(brought, store, done.folder, seen), some.items()):
                    done.add(one)
                for name, run in some.items():
                    seen[name] = seen.get(name) or run.data.tags.get(tracking.SENT) or ""
        withdraw(done, set(seen))
    except tracking.failures() as error:
        raise Refusal(
            f"the MLflow store {secrets.public(tracking.address())} cannot be read",
            tracking.reason(error),
            "MLFLOW_TRACKING_URI names the store; report.py without source=mlflow reads runs/",
        ) from error
    return done


def folder_of(run_id: str) -> Path | None:
    """Where a run's record lies: among the runs made here, else among those pulled; None where it is not here."""
    places = (RUNS / run_id, *sorted(PULLED.glob(f"*/{glob.escape(run_id)}")))
    return next((place for place in places if (place / "record.json").is_file()), None)


def refuse_foreign(wanted: str) -> None:
    """Refuse to work on a run that somebody else recorded, where it is the one that is meant."""
    for path in sorted(PULLED.glob(f"*/{glob.escape(wanted)}*/record.json")):
        place = path.parent
        raise Refusal(
            f"{place.name} was recorded by somebody else",
            f"it lies in {place}/, to be read; scores and openings are added where it was made",
            f"ask there, or make the same run here: {decode(read_whole(path), path).command}",
        )


def listed(store: tracking.Store) -> Iterator[Any]:
    """The experiment's runs as MLflow has them, a page at a time, oldest first; only those that this core has made."""
    for run in pages(store.client, store.experiment, ["attributes.start_time ASC"]):
        if {tracking.RUN_ID, tracking.PLAN} & run.data.tags.keys():
            yield run


def name_of(run: Any) -> str:
    """The id of the run or plan that a run of the server is a view of."""
    tags = run.data.tags
    return str(tags[tracking.RUN_ID if tracking.RUN_ID in tags else tracking.PLAN])


def together(runs: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Runs by name, as many as are brought before the next are looked at; of one name, the later waits for the next."""
    found: dict[str, Any] = {}
    for run in runs:
        if len(found) == MANY or name_of(run) in found:
            yield found
            found = {}
        found[name_of(run)] = run
    yield found


def brought(store: tracking.Store, folder: Path, seen: Mapping[str, str], named: tuple[str, Any]) -> Pulled:
    """One run or plan brought, or refused; `seen` are the hashes of those before it."""
    (name, run), done = named, Pulled(folder)
    digest = run.data.tags.get(tracking.SENT)
    try:
        if digest is not None and seen.get(name) not in (None, "", digest):
            raise Refusal("another run of the server has this id", "the older one is taken", "")
        (bring if tracking.RUN_ID in run.data.tags else bring_plan)(store, run, name, done)
    except Refusal as problem:
        done.refused[name[:LONGEST] or str(run.info.run_id)] = f"{problem.what}: {problem.why}"
    return done


def bring(store: tracking.Store, run: Any, run_id: str, done: Pulled) -> None:
    """One run into the cache, unless the same record already is there."""
    place, digest = done.folder / run_id, sent(run, run_id)
    if sha256(place / "record.json") == digest:
        done.already.append(run_id)
        told(run, decode(read_whole(place / "record.json"), place), done)
        return
    with fresh(place) as draft:
        record = fetched(store, run, digest, draft)
    done.taken.append(run_id)
    told(run, record, done)


def bring_plan(store: tracking.Store, run: Any, plan_id: str, done: Pulled) -> None:
    """One plan into the cache, unless it already is there as it was sent last."""
    place, digest = done.folder / plans.FOLDER / plan_id, sent(run, plan_id)
    if sha256(place / plans.NAME) != digest:
        place.parent.mkdir(exist_ok=True)
        with fresh(place) as draft:
            Shelf(store.files(run)).fetch(plans.NAME, digest, draft)
            plans.read(draft)
    done.plans.append(plan_id)


def withdraw(done: Pulled, seen: set[str]) -> None:
    """Put aside what an earlier pull brought and the server no longer has: a report of the server is of what it holds.

    It is kept, since the looks at a sealed split that it records were taken.
    """
    for folder in (done.folder, done.folder / plans.FOLDER):
        names = {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()
        for name in sorted(name for name in names - seen if is_run_id(name)):
            aside = done.folder / WITHDRAWN / name
            aside.parent.mkdir(exist_ok=True)
            if aside.is_dir():
                remove(aside)
            (folder / name).chmod(0o755)  # or it could not be moved
            (folder / name).rename(aside)
            aside.chmod(0o555)
            done.withdrawn.append(name)


def remove(place: Path) -> None:
    """Remove what was pulled, which nobody may write to."""
    grant(place, 0o755, 0o644)
    shutil.rmtree(place)


def sent(run: Any, name: str) -> str:
    """The hash of a record or plan that was sent in full; refused where there is none, or its name is no name."""
    if not is_run_id(name):
        raise Refusal(f"{name[:LONGEST]!r} is no run id", "it would name another folder", "")
    digest = run.data.tags.get(tracking.SENT)
    if digest is None:
        raise Refusal("it was not sent in full", "it is running, or receipts sync has not been called", "receipts sync")
    refuse_elsewhere(run)
    return str(digest)


@contextmanager
def fresh(place: Path) -> Iterator[Path]:
    """A folder to fill, which then takes the place of what was there; nothing changes where filling it fails."""
    with tempfile.TemporaryDirectory(prefix=".pull-", dir=place.parent) as name:
        draft = Path(name) / place.name
        draft.mkdir()
        yield draft
        if place.is_dir():
            remove(place)
        draft.rename(place)
        grant(place, 0o555, 0o444)  # somebody else's: read, never added to


def grant(folder: Path, folders: int, files: int) -> None:
    """Set who may do what with a folder and all that is in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(folders if path.is_dir() else files)


def is_run_id(name: str) -> bool:
    """Whether a name is one that this core gives: a single folder name, beginning with the time."""
    return re.fullmatch(r"\d{8}-\d{6}-[\w.+-]{1,180}", name) is not None


def fetched(store: tracking.Store, run: Any, digest: str, folder: Path) -> Record:
    """The record, what stands beside it and the prediction files of its latest scores, each verified by its hash."""
    shelf = Shelf(store.files(run))
    path = shelf.fetch("record.json", digest, folder)
    record = decode(read_whole(path), path)
    if record.run_id != run.data.tags[tracking.RUN_ID]:
        raise Refusal("the record is that of another run", record.run_id, "")
    stated = claimed(run)
    for name in (*tracking.CLAIMED, *tracking.pictures(record)):
        if name in stated:
            shelf.fetch(name, stated[name], folder)
    for split in dict.fromkeys(score.split for score in record.scores):
        score = record.score(split)
        assert score is not None
        if not re.fullmatch(r"predictions/\w[\w.-]*\.parquet", score.file):
            raise Refusal(f"{score.file!r} is no predictions file", "the record names a path outside predictions/", "")
        shelf.fetch(score.file, score.sha256, folder)
    return record


def claimed(run: Any) -> dict[str, str]:
    """What a run's tag says of its files, name to hash."""
    try:
        return msgspec.json.decode(run.data.tags[tracking.FILES], type=dict[str, str])
    except (KeyError, msgspec.MsgspecError) as error:
        raise Refusal("nothing says what its files hold", str(error), "receipts sync, where it was made") from error


def told(run: Any, record: Record, done: Pulled) -> None:
    """Note numbers of the server that are not those of the record; the record counts."""
    wrong = tracking.altered_scores(run.data.metrics, record)
    if wrong:
        done.altered[record.run_id] = "; ".join(
            f"{name} is {theirs!r}, the record says {ours!r}" for name, (theirs, ours) in wrong.items()
        )
