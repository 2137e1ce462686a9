"""Which run a person means: an id, its beginning, `latest`, or `latest:CONF`."""

from receipts.bounds import is_inside, refuse_links
from receipts.config.files import files
from receipts.config.project import RUNS
from receipts.provenance.identity import config_hash
from receipts.refusal import Refusal
from receipts.runs import pulling, store
from receipts.runs import record as records
from receipts.runs.record import Record


def select(wanted: str) -> Record:
    """The run that `run_id=` means: an id, an unambiguous prefix, `latest`, or `latest:CONF`."""
    if wanted == "latest" or wanted.startswith("latest:"):
        return latest(wanted.removeprefix("latest").removeprefix(":"))
    if not is_inside(wanted) or "/" in wanted or wanted.startswith("."):
        raise Refusal(f"{wanted!r} is no run id", "an id names a folder directly below runs/", "receipts ls")
    found = [folder for folder in store.folders() if folder.name.startswith(wanted)]
    exact = [folder for folder in found if folder.name == wanted]
    if not found:
        pulling.refuse_foreign(wanted)
        raise Refusal(f"there is no run {wanted}", f"{RUNS}/ holds {len(store.folders())} runs", "receipts ls")
    if len(found) > 1 and not exact:
        shown = ", ".join(folder.name for folder in found[:5])
        raise Refusal(f"{wanted} is the beginning of {len(found)} runs", shown, "write a few letters more")
    refuse_links((exact or found)[0])
    return records.read((exact or found)[0])


def latest(conf: str) -> Record:
    """The newest completed run, or the newest with exactly the values that the file of one experiment states today."""
    values = stated(conf) if conf else None
    for folder in store.folders():
        record = records.read(folder)
        if record.status == "completed" and values in (None, record.identity.config):
            return record
    wanted = f"{conf} as its file states it" if conf else "any experiment"
    raise Refusal(
        f"there is no completed run of {wanted}",
        f"{RUNS}/ holds {len(store.folders())} runs",
        f"python train.py conf={conf or 'baseline'}",
    )


def stated(conf: str) -> str:
    """The hash of an experiment's config as its file states it today; of nothing where there is no such file.

    What was typed when a run started tells less: the file may have changed since, and may have changed back.
    """
    from receipts.config.compose import compose
    from receipts.runs.ancestry import rooted

    return config_hash(rooted(compose(f"conf={conf}"))[0].values) if conf in files("conf") else ""
