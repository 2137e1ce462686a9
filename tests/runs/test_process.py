"""Whether a run still has its process: by number and start time here, by silence elsewhere."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from invented import running

from receipts.runs import process as processes
from receipts.runs.process import SILENT_S, born, is_stale, now, started_at, state, this_process
from receipts.runs.record import Process


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_run_whose_process_lives_is_running_however_long_it_is_silent() -> None:
    record = running(heartbeat=ago(10_000))
    assert not is_stale(record)
    assert state(record) == "running"


def test_a_run_whose_process_ended_is_stale_at_once() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = running(process=Process(this_process().host, process.pid, started_at(process.pid) or 0.0))
    assert not is_stale(record)
    process.communicate()
    assert is_stale(record)
    assert state(record) == "stale"


def test_a_process_that_ended_and_that_nobody_asked_after_is_no_process() -> None:
    """In a container without an init nobody ever does, and it stays in the table as a zombie."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        assert started_at(pid) is None
        assert is_stale(running(process=Process(this_process().host, pid, time.time())))
    finally:
        os.waitpid(pid, 0)


def test_another_process_under_the_same_number_is_not_the_runs() -> None:
    ours = this_process()
    assert is_stale(running(process=Process(ours.host, ours.pid, ours.started - 3600)))
    assert not is_stale(running(process=Process(ours.host, ours.pid, ours.started + 0.5)))


def test_a_clock_that_was_set_meanwhile_makes_no_run_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of a process is counted from the clock, so with the clock it moves: by an hour, for instance."""
    record = running(process=this_process())
    monkeypatch.setattr(processes, "started_at", lambda pid: (started_at(pid) or 0.0) - 3600)
    assert not is_stale(record)
    monkeypatch.setattr(processes, "born", lambda pid: "another-boot:1")
    assert is_stale(record)


def test_where_the_system_tells_no_ticks_the_clock_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "BOOT", tmp_path / "nothing")
    ours = this_process()
    assert ours.born is None
    assert not is_stale(running(process=ours))
    assert is_stale(running(process=Process(ours.host, ours.pid, ours.started - 3600)))
    assert born(2**22 + 1) is None


def test_on_another_host_only_silence_tells() -> None:
    elsewhere = Process("another-host", this_process().pid, 0.0)
    assert not is_stale(running(process=elsewhere, heartbeat=now()))
    assert not is_stale(running(process=elsewhere, heartbeat=ago(SILENT_S - 5)))
    assert is_stale(running(process=elsewhere, heartbeat=ago(SILENT_S + 5)))
    assert not is_stale(running(process=elsewhere, heartbeat=ago(-3600)))  # its clock is ahead of ours


def test_what_has_ended_is_never_stale() -> None:
    gone = Process(this_process().host, 2**22 + 1, 0.0)
    for status in ("completed", "failed"):
        assert not is_stale(running(status=status, process=gone))
        assert state(running(status=status, process=gone)) == status
