"""What MLflow lacks, run by run and plan by plan: `receipts sync`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from receipts.provenance import secrets
from receipts.refusal import Refusal
from receipts.runs import delivery, plans, record, tracking
from receipts.runs.process import is_stale


@dataclass
class Synced:
    """What `sync` did, as names of runs and plans; `failed` maps to the reason."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def sync(folders: Iterable[Path]) -> Synced:
    """Send what MLflow lacks of every plan, and of every run that has ended; refuse when the store cannot be used."""
    done = Synced()
    try:
        store = tracking.Store()
        for folder in folders:
            try:
                if is_live(folder):
                    done.live.append(folder.name)
                else:
                    (done.sent if delivery.deliver(folder, store) else done.already).append(folder.name)
            except tracking.failures() as error:
                if not folder.is_dir():  # receipts gc has removed it meanwhile: nothing is lacking
                    continue
                done.failed[folder.name] = tracking.reason(error)
                store.ask()  # when it is away, the next folder would only wait for it again
    except tracking.failures() as error:
        raise Refusal(
            f"the MLflow store {secrets.public(tracking.address())} cannot be used",
            f"{tracking.reason(error)}; sent before that: {len(done.sent)}; no run folder was touched",
            "receipts sync      (when it is back; a broken mlflow.db may be deleted, this rebuilds it)",
        ) from error
    return done


def is_live(folder: Path) -> bool:
    """Whether a run is under way, and will be sent by whoever runs it."""
    if (folder / plans.NAME).is_file():
        return False
    found = record.read(folder)
    return found.status == "running" and not is_stale(found)
