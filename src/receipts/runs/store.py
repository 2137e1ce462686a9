"""The folder of runs: found, claimed, kept alive, completed or failed. The file system is the registry.

A run's folder appears whole, with its record inside, under a name nobody else has; whatever happens afterwards
leaves a record that says so.
"""

import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock

from receipts.config import own
from receipts.config.compose import Experiment
from receipts.config.files import files
from receipts.config.project import RUNS
from receipts.provenance import code
from receipts.provenance.identity import config_hash
from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs import views
from receipts.runs.files import writable, write_atomically
from receipts.runs.log import logged
from receipts.runs.process import is_stale, now
from receipts.runs.record import Checkpoint, Failure, Opening, Record

HEARTBEAT_S = 15.0
LOG_TAIL = 20
UNSEALED = ("train", "val")


class Run:
    """A run under way: its folder, its record, and the lock that keeps both in step.

    Used as a context: left by an exception, the record says `failed` and why; left by Ctrl-C or SIGTERM it stays
    `running`, and shows as stale once its process is gone.
    """

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder, self.record = folder, record
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._began = (time.monotonic(), time.process_time())

    def __enter__(self) -> "Run":
        self._log = logged(self.folder)
        self._log.__enter__()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._log.__exit__(None, None, None)
        if isinstance(error, Exception):
            self._fail(error)

    def save(self) -> None:
        """Write the record as it stands."""
        with self._lock:
            write_atomically(self.folder / "record.json", records.encode(self.record))

    def seconds(self) -> tuple[float, float]:
        """Wall and processor seconds since the run began."""
        return time.monotonic() - self._began[0], time.process_time() - self._began[1]

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.record.status == "completed"

    @property
    def checkpoint(self) -> Checkpoint:
        """The selected weights, which every fitted run has."""
        assert self.record.checkpoint is not None, "nothing was fitted"
        return self.record.checkpoint

    def complete(self) -> Record:
        """Close the record of a run that did all it should, and say what keeps its numbers out of a paper."""
        with self._lock:
            self.record.status, self.record.ended = "completed", self.record.ended or now()
            self.record.blocked_by = obstacles(self.record)
            self.record.reportable = not self.record.blocked_by
            self.save()
        views.write(self.folder, self.record)
        return self.record

    def open_split(self, split: str, by: str, commit: str) -> None:
        """Count a look at a sealed split, before it is taken."""
        if split not in UNSEALED:
            self.record.openings.append(Opening(split, now(), by, commit))
            self.save()

    def _fail(self, error: Exception) -> None:
        log = self.folder / "train.log"
        if not isinstance(error, Refusal):
            with log.open("a", encoding="utf-8") as file:
                file.write("".join(traceback.format_exception(error)))
        tail = log.read_text(encoding="utf-8").splitlines()[-LOG_TAIL:] if log.is_file() else []
        reason = f"{error.what}: {error.why}" if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
        with self._lock:
            self.record.status, self.record.ended = "failed", now()
            self.record.failure = Failure(reason, tail)
            self.save()
        views.write(self.folder, self.record)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            with self._lock:
                if self.record.status == "running":
                    self.record.heartbeat = now()
                    self.save()


def is_scored(record: Record, split: str) -> bool:
    """Whether a sealed split already has a score under today's harness, so that it need not be opened again."""
    score = record.score(split)
    return split not in UNSEALED and score is not None and score.harness == code.harness()


def obstacles(record: Record) -> list[str]:
    """What keeps a run's numbers out of a paper; nothing for a clean, full, checked run on real data."""
    found = []
    if record.code.dirty:
        found.append(f"dirty: {len(record.code.dirty)} files differ from the commit")
    if record.limit:
        found.append(f"limit: {', '.join(f'{name} {cap}' for name, cap in record.limit.items())}")
    if record.data.kind != "real":
        found.append(f"the data are {record.data.kind.upper()}")
    return found + [f"check failed: {check.code}" for check in record.failing]


def folder(record: Record) -> Path:
    """Where a run lies."""
    return RUNS / record.run_id


def folders(pattern: str = "*") -> list[Path]:
    """Run folders whose id matches, newest first; half-made and foreign folders do not count."""
    found = (path.parent for path in RUNS.glob(f"{pattern}/record.json"))
    return sorted((path for path in found if path.name[0] != "."), key=lambda path: path.name, reverse=True)


def known(identity: str) -> Iterator[Record]:
    """Records of one identity, newest first."""
    for folder in folders(f"*-{identity[:8]}"):
        record = records.read(folder)
        if record.identity.id == identity:
            yield record


def claim(draft: Record, experiment: Experiment) -> Run:
    """The completed run of the same identity, or a new one under the draft's name with its resolved config.

    Refused while the same identity is running, after it failed unless `retry`, and for a new one where a worked
    example of the researcher's own metrics fails.
    """
    config = experiment.config
    with writable(RUNS), FileLock(RUNS / ".claim.lock"):
        found = list(known(draft.identity.id))
        refuse_running(found)
        completed = next((record for record in found if record.status == "completed"), None)
        if completed and not config.rerun:
            return with_name(completed, draft.conf)
        if not config.retry and not config.rerun:
            refuse_failed(found)
        own.prove(config.metrics)
        return create(draft, experiment.text)


def refuse_running(found: list[Record]) -> None:
    """Two runs of one identity at once would only race each other."""
    running = next((record for record in found if record.status == "running" and not is_stale(record)), None)
    if running:
        raise Refusal(
            f"{running.run_id} is running",
            "it has the same config, code and data, so its numbers will be the same",
            f"wait for it, or look at it: tail -f {RUNS / running.run_id}/train.log",
        )


def refuse_failed(found: list[Record]) -> None:
    """What failed would fail again."""
    if found and found[0].status == "failed" and found[0].failure:
        raise Refusal(
            f"{found[0].run_id} failed, and nothing it depends on has changed",
            found[0].failure.reason,
            f"mend the cause, or retry=true      (its log: {RUNS / found[0].run_id}/train.log)",
        )


def with_name(record: Record, conf: str) -> Run:
    """A finished run whose record also knows the other name its values go by."""
    if conf in record.names:
        return Run(RUNS / record.run_id, record)
    with editing(record.run_id) as run:
        run.record.names.append(conf)
        return run


def create(draft: Record, config: bytes) -> Run:
    """Make the run's folder, whole and under an id of its own."""
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=RUNS))
    temporary.chmod(0o755)
    while (RUNS / draft.run_id).exists():
        time.sleep(0.2)  # ids are stamped by the second
        draft.run_id = stamped(draft.conf, draft.seed, draft.identity.id)
    try:
        write_atomically(temporary / "config.yaml", config)
        write_atomically(temporary / "record.json", records.encode(draft))
        temporary.rename(RUNS / draft.run_id)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Run(RUNS / draft.run_id, draft)


def stamped(conf: str, seed: int, identity: str) -> str:
    """A run id: UTC time, conf, seed, the identity's first eight digits."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{conf}-s{seed}-{identity[:8]}"


class editing:  # noqa: N801 - reads as a verb: `with editing(run):`
    """A finished run whose record is being added to, by one process at a time; saved when left without an error."""

    def __init__(self, run_id: str) -> None:
        self.folder = RUNS / run_id
        self.lock = FileLock(self.folder / ".record.lock")

    def __enter__(self) -> Run:
        with writable(self.folder):
            self.lock.acquire()
        self.run = Run(self.folder, records.read(self.folder))
        return self.run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.run.save()
        self.lock.release()


def select(wanted: str) -> Record:
    """The run that `run_id=` means: an id, an unambiguous prefix, `latest`, or `latest:CONF`."""
    if wanted == "latest" or wanted.startswith("latest:"):
        return latest(wanted.removeprefix("latest").removeprefix(":"))
    if not wanted or "/" in wanted or "\\" in wanted or wanted.startswith("."):
        raise Refusal(f"{wanted!r} is no run id", "an id names a folder directly below runs/", "receipts ls")
    found = [folder for folder in folders() if folder.name.startswith(wanted)]
    exact = [folder for folder in found if folder.name == wanted]
    if not found:
        raise Refusal(f"there is no run {wanted}", f"{RUNS}/ holds {len(folders())} runs", "receipts ls")
    if len(found) > 1 and not exact:
        shown = ", ".join(folder.name for folder in found[:5])
        raise Refusal(f"{wanted} is the beginning of {len(found)} runs", shown, "write a few letters more")
    return records.read((exact or found)[0])


def latest(conf: str) -> Record:
    """The newest completed run, or the newest with exactly the values that the file of one experiment states today."""
    values = stated(conf) if conf else None
    for folder in folders():
        record = records.read(folder)
        if record.status == "completed" and values in (None, record.identity.config):
            return record
    wanted = f"{conf} as its file states it" if conf else "any experiment"
    raise Refusal(
        f"there is no completed run of {wanted}",
        f"{RUNS}/ holds {len(folders())} runs",
        f"python train.py conf={conf or 'baseline'}",
    )


def stated(conf: str) -> str:
    """The hash of an experiment's config as its file states it today; of nothing where there is no such file.

    What was typed when a run started tells less: the file may have changed since, and may have changed back.
    """
    from receipts.config.compose import compose

    return config_hash(compose(f"conf={conf}").values) if conf in files("conf") else ""
