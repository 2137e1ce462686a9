"""Sending runs and plans to MLflow: each in full, once, or as it grows.

While a run trains, a process of its own follows the folder (`sending` starts it, `follow` is what it does).
Afterwards, and in `receipts sync`, `send` adds what is missing and only that, so doing it twice changes nothing. What
somebody altered in the store is put right by it: MLflow forgets no point, so the recorded value is added as the newest.
"""

import os
import select
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from receipts.bounds import read_whole, refuse_links
from receipts.provenance import secrets
from receipts.refusal import Refusal
from receipts.runs import flat, plans
from receipts.runs.record import decode, read
from receipts.runs.tracking import FILES, SENT, STATUS, Store, alone, reason

LOOK_S: Final = 2.0


def send_each() -> None:
    """Send every run that standard input names, until it says `end` or closes."""
    store = Store()
    for line in sys.stdin:
        if line.strip() == "end":
            return
        deliver(Path(line.strip()), store)


def follow(folder: Path) -> None:
    """Log the history as it grows until standard input says `end`, then send the rest; give up when it closes."""
    store = Store()
    with alone(folder / ".tracking"):
        view = store.view(folder, read(folder))
        view.begin()
    while not select.select([sys.stdin], [], [], LOOK_S)[0]:
        view.log(flat.history(folder, view.record))
    if sys.stdin.readline():
        send(folder, store)


def deliver(folder: Path, store: Store) -> bool:
    """Make MLflow hold all of a run that has ended, or of a plan as it stands; False when it already did."""
    return (send_plan if (folder / plans.NAME).is_file() else send)(folder, store)


def send(folder: Path, store: Store) -> bool:
    """Make MLflow hold all of a run that has ended; False when it already did."""
    refuse_links(folder)  # or a run from elsewhere would send files of this machine
    with alone(folder / ".tracking"):
        data = read_whole(folder / "record.json")
        view = store.view(folder, decode(data, folder / "record.json"))
        digest, tags = sha256(data).hexdigest(), view.run.data.tags
        if tags.get(SENT) == digest and FILES in tags:
            return view.mend()
        view.end(digest)
        if SENT in tags:  # it was there before, and what was altered then stands behind what was added now
            store.view(folder, view.record).mend()
        return True


def send_plan(folder: Path, store: Store) -> bool:
    """Make MLflow hold a plan as it stands now; False when it already did."""
    refuse_links(folder)
    with alone(folder / ".tracking"):
        data = read_whole(folder / plans.NAME)
        plan, digest = plans.read(folder), sha256(data).hexdigest()
        if kinds := secrets.scrub(data.decode())[1]:
            raise Refusal(f"{folder.name} is not sent", f"it holds what looks like a secret: {', '.join(kinds)}", "")
        run = store.plan(plan)
        if run.data.tags.get(SENT) == digest:
            return False
        store.files(run).log_artifact(str(folder / plans.NAME))
        store.client.set_terminated(run.info.run_id, STATUS["completed"], flat.milliseconds(plan.created))
        store.client.set_tag(run.info.run_id, SENT, digest)
        return True


if __name__ == "__main__":
    # Whatever goes wrong becomes the one line that `sending` passes on; `receipts sync` shows a bug whole.
    sys.excepthook = lambda _kind, error, _trace: sys.stdout.write(reason(error))
    send_each() if sys.argv[1] == "-" else follow(Path(sys.argv[1]))
    os._exit(0)  # everything is committed; unloading mlflow would keep train.py waiting for 0.8 s
