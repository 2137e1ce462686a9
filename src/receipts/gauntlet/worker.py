"""One check in a process of its own: what it prints goes to its log, and if it dies it takes nobody with it."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from receipts.config.entry import BUG, attempt
from receipts.config.signals import heed
from receipts.gauntlet.catalogue import named
from receipts.gauntlet.check import Outcome, Terms, undone
from receipts.gauntlet.subjects import Subject
from receipts.refusal import DONE, Refusal
from receipts.runs.files import write_atomically


def forked(name: str, subject: Subject, terms: Terms, answer: Path, log: Path) -> None:
    """Become the process of one check; its outcome is written to `answer`."""
    gc.freeze()  # or every collection would walk through all of torch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gauntlet, which ends its checks
    heed()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number in (1, 2):
        os.dup2(written, number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    code = attempt(write, lambda: named(name).judge(subject, terms), answer)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def write(judge: Callable[[], Outcome], answer: Path) -> int:
    """Judge and write down what came of it; a refusal is a reason why nothing could be found out."""
    try:
        found = judge()
    except Refusal as problem:
        found = undone(f"{problem.what}: {problem.why}; {problem.fix}")
    write_atomically(answer, msgspec.json.encode(found))
    return DONE


def read(answer: Path, code: int | None, log: Path) -> Outcome:
    """What a process left; one that left nothing broke."""
    if code == DONE and answer.is_file():
        return msgspec.json.decode(answer.read_bytes(), type=Outcome)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    last = f": {lines[-1]}" if lines and code == BUG else ""
    return undone(f"it broke with code {code}{last} (see {log})")
