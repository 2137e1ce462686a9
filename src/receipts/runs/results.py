"""What a DVC stage leaves for readers: the numbers of an experiment exactly as its file states it.

`results/<conf>.json` and `.csv` are committed and hold no run id and no times, so that the same numbers are the same
bytes; `runs/stages/<conf>` names the run folder they came from and is not committed.
"""

import csv
import io
import json
import math
from pathlib import Path

from receipts.config.compose import Experiment
from receipts.config.project import RESULTS, RUNS
from receipts.provenance.identity import config_hash
from receipts.runs import ancestry, store
from receipts.runs import record as records
from receipts.runs.files import write_atomically
from receipts.runs.record import Record


def publish(wanted: str, record: Record, primary: str) -> None:
    """Write the stage's three files when the run was asked for as `latest:CONF`; nothing otherwise."""
    if not wanted.startswith("latest:"):
        return
    conf = wanted.removeprefix("latest:")
    numbers = {
        split: {name: metric.value for name, metric in score.metrics.items()}
        for split in sorted({score.split for score in record.scores})
        if (score := record.score(split)) is not None
    }
    facts = {"identity": record.identity.id, **({"data": record.word} if record.word else {}), **numbers}
    write_atomically(RESULTS / f"{conf}.json", (json.dumps(facts, indent=1) + "\n").encode())
    write_atomically(RESULTS / f"{conf}.csv", curve(RUNS / record.run_id, record, primary).encode())
    write_atomically(RUNS / "stages" / conf, f"{record.run_id}\n".encode())


def objective(experiment: Experiment) -> float:
    """The primary metric on val of the newest completed run with these values; NaN where there is none.

    It is what a search maximises or minimises: the test split takes no part in it.
    """
    wanted = config_hash(ancestry.rooted(experiment)[0].values)
    for folder in store.folders():
        record = records.read(folder)
        if record.status == "completed" and record.identity.config == wanted:
            score = record.score("val")
            found = score.metrics[experiment.config.task.primary].value if score else None
            return math.nan if found is None else found
    return math.nan


def curve(folder: Path, record: Record, primary: str) -> str:
    """The validation metrics by epoch; one row for a method that has no epochs."""
    path = folder / "history.csv"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if not path.is_file():
        score = record.score("val")
        value = score.metrics[primary].value if score else None
        writer.writerows([["epoch", primary], [0, "" if value is None else repr(value)]])
        return out.getvalue()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    columns = [name for name in rows[0] if name.startswith("val/")] if rows else []
    writer.writerow(["epoch", *(name.removeprefix("val/") for name in columns)])
    writer.writerows([row["epoch"], *(row[name] for name in columns)] for row in rows)
    return out.getvalue()
