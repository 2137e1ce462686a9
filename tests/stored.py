"""Runs as they lie on the disk, and what `train.py` comes to for another one."""

import multiprocessing
from pathlib import Path

import yaml
from invented import running

from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.runs import claims, store
from receipts.runs import record as records
from receipts.runs.process import this_process
from receipts.runs.record import Failure, Process, Record

RUNS = Path("runs")
fork = multiprocessing.get_context("fork")


def put(record: Record) -> Record:
    """A run folder as it lies on the disk."""
    folder = RUNS / record.run_id
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(records.encode(record))
    return record


def stored(run_id: str) -> Record:
    return records.read(RUNS / run_id)


def claim(draft: Record, text: bytes, **switches: bool) -> store.Run:
    """What `train.py` comes to for a draft whose config is this text."""
    values = yaml.safe_load(text) or {}
    return claims.claim(draft, Experiment(Config(**switches), values, draft.conf, draft.preset, "digits", []))


def failed(letter: str = "a", second: int = 0, reason: str = "loss is NaN") -> Record:
    return running(letter, second=second, status="failed", failure=Failure(reason, []))


def gone(letter: str = "a", second: int = 0) -> Record:
    return running(letter, second=second, process=Process(this_process().host, this_process().pid, 0.0))
