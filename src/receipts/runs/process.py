"""Whether a run still has a process behind it."""

import os
import socket
import time
from datetime import UTC, datetime

from receipts.runs.record import Process, Record

SILENT_S = 60.0


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def this_process() -> Process:
    """The process we are."""
    return Process(socket.gethostname(), os.getpid(), started_at(os.getpid()) or time.time())


def started_at(pid: int) -> float | None:
    """When a process of this machine started; None when there is none of that number, or only its exit code is left."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def is_stale(record: Record) -> bool:
    """Whether a record that says `running` has lost its process: by pid and start time here, by silence elsewhere."""
    if record.status != "running":
        return False
    if record.process.host == socket.gethostname():
        started = started_at(record.process.pid)
        return started is None or abs(started - record.process.started) > 1.0
    beat = datetime.strptime(record.heartbeat, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (datetime.now(UTC) - beat).total_seconds() > SILENT_S


def state(record: Record) -> str:
    """The status as people see it: `stale` where nothing is running any more, `stalled` where it gets nowhere."""
    if is_stale(record):
        return "stale"
    return "stalled" if record.status == "running" and record.silent_since else record.status
