"""Whether a run still has a process behind it."""

import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from receipts.runs.record import Process, Record

SILENT_S = 60.0
BOOT = Path("/proc/sys/kernel/random/boot_id")


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def this_process() -> Process:
    """The process we are."""
    pid = os.getpid()
    return Process(socket.gethostname(), pid, started_at(pid) or time.time(), born(pid))


def started_at(pid: int) -> float | None:
    """When a process of this machine started; None when there is none of that number, or only its exit code is left."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def born(pid: int) -> str | None:
    """Boot of the machine and clock ticks from there to a process's start, which setting the clock does not move.

    None where the system does not tell (it is told by proc(5), `/proc/PID/stat`, field 22).
    """
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{BOOT.read_text().strip()}:{fields[19]}"
    return None


def is_stale(record: Record) -> bool:
    """Whether a record that says `running` has lost its process: by pid and start here, by silence elsewhere."""
    if record.status != "running":
        return False
    if record.process.host == socket.gethostname():
        return not lives(record.process)
    beat = datetime.strptime(record.heartbeat, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (datetime.now(UTC) - beat).total_seconds() > SILENT_S


def lives(process: Process) -> bool:
    """Whether a process of this machine is still the one that was recorded, whatever became of the clock meanwhile."""
    started = started_at(process.pid)
    if started is None:
        return False
    if process.born is not None and (today := born(process.pid)) is not None:
        return today == process.born
    return abs(started - process.started) <= 1.0


def state(record: Record) -> str:
    """The status as people see it: `stale` where nothing is running any more, `stalled` where it gets nowhere."""
    if is_stale(record):
        return "stale"
    return "stalled" if record.status == "running" and record.silent_since else record.status
