"""The folder of runs: found, claimed, kept alive, completed or failed. The file system is the registry.

A run's folder appears whole, with its record inside, under a name nobody else has; whatever happens afterwards
leaves a record that says so.
"""

import os
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock

from receipts.bounds import refuse_links
from receipts.config.project import RUNS
from receipts.config.signals import is_asked
from receipts.provenance import code, secrets
from receipts.provenance.trace import SYNTHETIC
from receipts.refusal import CheckFailed, Refusal, tell, visible
from receipts.runs import ending, points, prompts, views
from receipts.runs import record as records
from receipts.runs.files import BROKEN, FULL, LOOK_AT_IT, RESERVE, roomy, sweep, writable, write_atomically
from receipts.runs.log import logged
from receipts.runs.process import now
from receipts.runs.pulse import Pulse
from receipts.runs.record import Checkpoint, Failure, Opening, Record

HEARTBEAT_S, LOOK_S = 15.0, 1.0
LOG_TAIL = 20
RESERVE_SIZE = 256 * 1024  # bytes
UNSEALED = ("train", "val")


class Run:
    """A run under way: its folder, its record, and the lock that keeps both in step.

    Used as a context: left by an exception, the record says `failed` and why; left by Ctrl-C or SIGTERM it stays
    `running`, and shows as stale once its process is gone. A file in reserve leaves room to say so on a full disk.
    """

    def __init__(self, folder: Path, record: Record, on_end: str | None = None) -> None:
        self.folder, self.record, self.on_end = folder, record, on_end
        self.pulse = Pulse()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self.reserve = folder / RESERVE
        self._began = (time.monotonic(), time.process_time())

    def __enter__(self) -> "Run":
        self._log = logged(self.folder)
        self._log.__enter__()
        try:
            write_atomically(self.reserve, bytes(RESERVE_SIZE))
        except (OSError, Refusal) as error:
            self.__exit__(type(error), error, None)
            raise
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._rest()
        self._log.__exit__(None, None, None)
        with suppress(OSError):  # on a full disk they stay as they are, and are not sent
            secrets.scrub_files(sorted(self.folder.glob("train.rank*.log")))
        with suppress(OSError):  # where the folder has become read-only; the record says so, or the refusal does
            self.reserve.unlink(missing_ok=True)
        if isinstance(error, SystemExit) and not is_asked(error.code):
            self.fail(left := LeftEarly(f"sys.exit({error.code!r}) was called before the run was complete"))
            raise left from error
        if isinstance(error, Exception):
            trouble = disk_trouble(error)
            with suppress(OSError) if trouble else nullcontext():  # a disk that fails may not take the record either
                self.fail(trouble or error)
            if trouble:
                raise trouble from error

    def save(self, taking: bool = False) -> None:
        """Write the record as it stands, unless it stands there already.

        Raises `TakenOver` where it has become another process's; `taking` makes it this one's.
        """
        path = self.folder / "record.json"
        with self._lock:
            data, there = records.encode(self.record), path.read_bytes() if path.is_file() else b""
            if there not in (b"", data) and not taking and records.is_anothers(there, self.record.process):
                raise TakenOver(
                    f"{self.record.run_id} has become another process's",
                    "this one was not heard of for a minute: it was held up, or its machine was",
                    "let the other one go on; nothing is written here any more      (receipts ls)",
                )
            if there != data:
                write_atomically(path, data)

    def seconds(self) -> tuple[float, float]:
        """Wall and processor seconds of the run so far, over all its lives."""
        self._live()
        return sum(life.wall_s for life in self.record.lives), sum(life.cpu_s for life in self.record.lives)

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
            if self.record.ended is None:
                prompts.keep(self.folder)  # once more: what was answered has been written since
            self.record.status, self.record.ended = "completed", self.record.ended or now()
            self.record.silent_since = None
            self.record.blocked_by = obstacles(self.record)
            self.record.reportable = not self.record.blocked_by
            self.save()
        points.clear(self.folder)
        views.write(self.folder, self.record)
        ending.tell(self.on_end, self.record, "completed")
        return self.record

    def open_split(self, split: str, by: str, commit: str) -> None:
        """Count a look at a sealed split, before it is taken."""
        if split not in UNSEALED:
            self.record.openings.append(Opening(split, now(), by, commit))
            self.save()

    def fail(self, error: Exception) -> None:
        """Close the record of a run that cannot go on, with the reason and the end of its log."""
        log = self.folder / "train.log"
        if not isinstance(error, Refusal):
            with suppress(OSError), log.open("a", encoding="utf-8") as file:
                file.write(secrets.scrub(visible("".join(traceback.format_exception(error))))[0])
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:] if log.is_file() else []
        reason, fix = f"{type(error).__name__}: {error}", ""
        if isinstance(error, Refusal):
            reason, fix = f"{error.what}: {error.why}", error.fix
        with self._lock:
            self.record.status, self.record.ended = "failed", now()
            self.record.failure = Failure(secrets.scrub(visible(reason))[0], tail, secrets.scrub(visible(fix))[0])
            self.record.silent_since = None
            self.save()
        views.write(self.folder, self.record)
        ending.tell(self.on_end, self.record, "failed")

    def _live(self) -> None:
        """Bring the time of this life up to date."""
        if self.record.lives and self.record.lives[-1].ended is None:
            life, began = self.record.lives[-1], self._began
            life.wall_s = round(time.monotonic() - began[0], 3)
            life.cpu_s = round(time.process_time() - began[1], 3)

    def _rest(self) -> None:
        """This life is over, whether or not the run is."""
        with self._lock:
            self._live()
            if self.record.lives:
                self.record.lives[-1].ended = self.record.lives[-1].ended or now()
            with suppress(OSError, Refusal):  # a full disk, or a folder that is gone, is told by whoever met it first
                self.save()

    def _beat(self) -> None:
        beaten = time.monotonic()
        while not self._stop.wait(LOOK_S):
            with self._lock:
                silent = self.pulse.is_silent
                turned = silent != (self.record.silent_since is not None)
                if self.record.status == "running" and (turned or time.monotonic() - beaten > HEARTBEAT_S):
                    beaten, self.record.heartbeat = time.monotonic(), now()
                    self._live()
                    if turned:
                        self.record.silent_since = self.record.heartbeat if silent else None
                    self._beat_once()
                told = turned and silent and self.record.status == "running"
            if told:
                ending.tell(self.on_end, self.record, "stalled")

    def _beat_once(self) -> None:
        """Save; a process whose run has been taken over ends at once, before it writes into what is not its own."""
        try:
            self.save()
        except TakenOver as problem:
            os._exit(tell(problem))
        except (OSError, Refusal):  # a full disk is for the training itself to find
            return


class LeftEarly(RuntimeError):
    """Somebody's code ended the program in the middle of a run, perhaps with the exit code of success."""


class TakenOver(Refusal):
    """A run that went on elsewhere while this process was held up."""


def disk_trouble(error: BaseException | None, again: str = " with retry=true") -> Refusal | None:
    """What to tell of a disk that is full, or fails, and how to go on; None for any other error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL + BROKEN:
            where = f" ({error.filename})" if error.filename else ""
            why, then = f"{error.strerror}{where}; what was written before is kept", f"the same command{again}"
            if error.errno in BROKEN:
                return Refusal(
                    "the disk answers with errors", why, f"copy it to another disk, then {then}      ({LOOK_AT_IT})"
                )
            fix = f"make room, then {then}      (receipts gc lists runs that nothing names)"
            return CheckFailed("disk-full", "the disk is full", why, fix)
        error = error.__cause__ or error.__context__
    return None


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
    if not record.sentinels:
        found.append("sentinels=off: nothing watched the training")
    if record.word and not any(check.code == SYNTHETIC and check.verdict == "waived" for check in record.checks):
        found.append(f"the data are {record.word}")
    if record.parent and (above := tainted(record.parent)):
        found.append(f"it starts from {record.parent}, which is not reportable: {above}")
    return found + [f"check failed: {check.code}" for check in record.failing]


def tainted(run_id: str) -> str:
    """Why the run that another one starts from is not reportable; nothing where it is, or is no longer here."""
    above = RUNS / run_id
    return "; ".join(records.read(above).blocked_by) if (above / "record.json").is_file() else ""


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


def stamped(conf: str, seed: int, identity: str) -> str:
    """A run id: UTC time, conf, seed, the identity's first eight digits."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{conf}-s{seed}-{identity[:8]}"


class editing:  # noqa: N801 - reads as a verb: `with editing(run):`
    """A finished run whose record is being added to, by one process at a time; saved when left without an error."""

    def __init__(self, run_id: str) -> None:
        self.folder = RUNS / run_id
        self.lock = FileLock(self.folder / ".record.lock")

    def __enter__(self) -> Run:
        refuse_links(self.folder)
        with writable(self.folder), roomy(self.folder):
            self.lock.acquire()
            sweep(self.folder)
        self.run = Run(self.folder, records.read(self.folder))
        return self.run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.run.save()
        except OSError as problem:
            if told := disk_trouble(problem, again=""):
                raise told from problem
            raise
        finally:
            self.lock.release()
        if told := disk_trouble(error, again=""):
            raise told from error
