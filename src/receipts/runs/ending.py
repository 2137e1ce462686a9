"""The command of somebody's own that hears how a run ended: `on_end='notify-send "$RECEIPTS_STATUS"'`."""

import os
import subprocess

from receipts.config.project import RUNS
from receipts.runs.log import progress
from receipts.runs.record import Record

PATIENCE_S = 60.0


def tell(command: str | None, record: Record, status: str) -> None:
    """Run the command with run id, folder and status in its environment; what becomes of it never moves the run."""
    if not command:
        return
    facts = {
        "RECEIPTS_RUN": record.run_id,
        "RECEIPTS_STATUS": status,
        "RECEIPTS_FOLDER": str((RUNS / record.run_id).resolve()),
    }
    try:
        done = subprocess.run(
            command, shell=True, env={**os.environ, **facts}, timeout=PATIENCE_S, capture_output=True, text=True
        )
        said = (done.stdout + done.stderr).strip()
        progress.info("on_end (%s) ended with exit code %d%s", status, done.returncode, f": {said}" if said else "")
    except (OSError, subprocess.TimeoutExpired) as error:
        progress.warning("on_end (%s): %s", status, error)
