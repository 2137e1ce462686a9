"""What a stage of dvc.yaml leaves for readers: the numbers of an experiment exactly as its file states it.

`results/<conf>.json` and `.csv` are committed and hold no run id and no times, so that the same numbers are the same
bytes; `runs/stages/<conf>` names the runs they came from and is not committed.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from receipts.config.project import RESULTS, RUNS
from receipts.provenance import code
from receipts.refusal import Refusal
from receipts.runs import dynamics
from receipts.runs.files import write_atomically
from receipts.runs.record import Record

Numbers = dict[str, dict[str, float | None]]


def publish(conf: str, arms: Mapping[str, Sequence[Record]]) -> None:
    """Write a stage's three files from the completed runs of its arms, one run a seed; the first arm is the file's."""
    (_, own), *others = arms.items()
    facts: dict[str, Any] = {
        "identity": code.combined({str(record.seed): record.identity.id for record in own}),
        "seeds": [record.seed for record in own],
        **({"data": own[0].word} if own[0].word else {}),
        **means(own),
    }
    if others:
        facts["ablations"] = {name: means(runs) for name, runs in others}
    every = [record.run_id for runs in arms.values() for record in runs]
    write_atomically(RESULTS / f"{conf}.json", (json.dumps(facts, indent=1) + "\n").encode())
    write_atomically(RESULTS / f"{conf}.csv", curve(RUNS / own[0].run_id, own[0]).encode())
    write_atomically(RUNS / "stages" / conf, "".join(f"{run_id}\n" for run_id in every).encode())


def means(runs: Sequence[Record]) -> Numbers:
    """Every metric of every split, averaged over the runs; None where one of them has no value."""
    found: Numbers = {}
    for split in sorted({score.split for score in runs[0].scores}):
        scores = [score for record in runs if (score := record.score(split)) is not None]
        found[split] = {}
        for name in scores[0].metrics:
            values = [score.metrics[name].value for score in scores if name in score.metrics]
            stated = [value for value in values if value is not None]
            found[split][name] = fmean(stated) if len(stated) == len(runs) else None
    return found


def curve(folder: Path, record: Record) -> str:
    """The validation metrics by epoch, of the first seed; one row for a method that has no epochs."""
    path, primary = folder / "history.csv", record.primary or ""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if not path.is_file():
        score = record.score("val")
        value = score.metrics[primary].value if score else None
        writer.writerows([["epoch", primary], [0, "" if value is None else repr(value)]])
        return out.getvalue()
    dynamics.read(path)  # refuses what is none
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    if rows and "epoch" not in rows[0]:
        raise Refusal(f"{path} is no history of a run", "it has no column epoch", "restore it from a backup")
    columns = [name for name in rows[0] if name.startswith("val/")] if rows else []
    writer.writerow(["epoch", *(name.removeprefix("val/") for name in columns)])
    writer.writerows([row["epoch"], *(row[name] for name in columns)] for row in rows)
    return out.getvalue()
