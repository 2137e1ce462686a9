"""Who may run: of one identity, a completed run is shown, a running one waited for or left alone, a failed one told.

Claims are made one at a time under a lock, so that of identical launches at once exactly one runs.
"""

import os
import re
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from receipts.config import own
from receipts.config.compose import Experiment
from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs import points, resuming, views
from receipts.runs import record as records
from receipts.runs.files import roomy, writable, write_atomically
from receipts.runs.log import say
from receipts.runs.process import is_stale, now
from receipts.runs.record import Record
from receipts.runs.store import Run, editing, known, stamped

LOOK_S = 0.5
NEW = ".new-"


def claim(draft: Record, experiment: Experiment) -> Run:
    """The completed run of the same identity, or a new one under the draft's name with its resolved config.

    Refused while the same identity is running unless `wait`, and after it failed unless `retry`.
    """
    config, identity = experiment.config, draft.identity.id
    while True:
        with writable(RUNS), FileLock(RUNS / ".claim.lock"):
            found = list(known(identity))
            running = under_way(found)
            if running is None:
                return settled(draft, experiment, found)
        if not config.wait:
            raise is_running(running)
        wait_for(running)
        draft.started = draft.heartbeat = now()
        draft.run_id = stamped(draft.conf, draft.seed, identity)


def settled(draft: Record, experiment: Experiment, found: list[Record]) -> Run:
    """What a claim comes to when nobody else is at work; the lock must be held."""
    config = experiment.config
    if (earlier := resuming.earlier(found, draft, experiment)) is not None:
        own.prove(config.metrics)
        return resumed(earlier, draft, experiment)
    completed = next((record for record in found if record.status == "completed"), None)
    if completed and not config.rerun:
        return with_name(completed, draft.conf)
    if not config.retry and not config.rerun:
        refuse_failed(found)
    own.prove(config.metrics)
    return create(draft, experiment.text, config.on_end)


def under_way(found: list[Record]) -> Record | None:
    """The first of these runs that a process is at work on."""
    return next((record for record in found if record.status == "running" and not is_stale(record)), None)


def wait_for(running: Record) -> None:
    """Wait until a run has ended, in whatever way."""
    say(f"waiting for {running.run_id}, which has the same config, code and data")
    while under_way([running]):
        time.sleep(LOOK_S)
        running = records.read(RUNS / running.run_id)


def is_running(record: Record) -> Refusal:
    """Two runs of one identity at once would only race each other."""
    return Refusal(
        f"{record.run_id} is running",
        "it has the same config, code and data, so its numbers will be the same",
        f"wait=true waits for it      (or look at it: tail -f {RUNS / record.run_id}/train.log)",
    )


def refuse_failed(found: list[Record]) -> None:
    """What failed would fail again."""
    if found and found[0].status == "failed" and found[0].failure:
        point = resuming.left_by(found[0])
        goes_on = f", or resume={found[0].run_id} to go on at step {points.step_of(point)}" if point else ""
        cure = found[0].failure.fix or "mend the cause"
        cure += "" if "retry=true" in cure else ", or retry=true"
        raise Refusal(
            f"{found[0].run_id} failed, and nothing it depends on has changed",
            found[0].failure.reason,
            f"{cure}{goes_on}      (its log: {RUNS / found[0].run_id}/train.log)",
        )


def resumed(earlier: Record, draft: Record, experiment: Experiment) -> Run:
    """A run that was interrupted, now this process's."""
    record = resuming.taken_up(earlier, draft, experiment)
    run = Run(RUNS / record.run_id, record, experiment.config.on_end)
    run.save(taking=True)
    return run


def with_name(record: Record, conf: str) -> Run:
    """A finished run whose record also knows the other name its values go by, and whose views are whole.

    Points that a process left which was killed at its very end are of no use to it any more.
    """
    points.clear(RUNS / record.run_id)
    if conf in record.names and views.are_current(record):
        return Run(RUNS / record.run_id, record)
    with editing(record.run_id) as run:
        if conf not in run.record.names:
            run.record.names.append(conf)
        views.write(run.folder, run.record)
        return run


def late() -> list[str]:
    """A warning where the clock has gone back behind a run that is here: an id begins with the time."""
    now = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    with os.scandir(RUNS) as entries:
        ahead = max((entry.name for entry in entries if re.match(r"\d{8}-\d{6}-", entry.name)), default="")
    if ahead[: len(now)] <= now:
        return []
    return [f"the clock is behind {ahead}: run_id=latest means that run for a while, so name this one by its id"]


def create(draft: Record, config: bytes, on_end: str | None = None) -> Run:
    """Make the run's folder, whole and under an id of its own; the lock must be held."""
    for orphan in RUNS.glob(f"{NEW}*"):
        shutil.rmtree(orphan, ignore_errors=True)  # of a process that was killed right here
    draft.warnings += late()
    temporary = Path(tempfile.mkdtemp(prefix=NEW, dir=RUNS))
    temporary.chmod(0o755)
    while (RUNS / draft.run_id).exists():
        time.sleep(0.2)  # ids are stamped by the second
        draft.run_id = stamped(draft.conf, draft.seed, draft.identity.id)
    with roomy(RUNS):
        try:
            write_atomically(temporary / "config.yaml", config)
            write_atomically(temporary / "record.json", records.encode(draft))
            temporary.rename(RUNS / draft.run_id)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return Run(RUNS / draft.run_id, draft, on_end)
