"""What MLflow says of recorded runs, held against their records."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from receipts.refusal import Refusal
from receipts.runs.answers import pages
from receipts.runs.record import Record
from receipts.runs.tracking import (
    DEFAULT_STORE,
    RUN_ID,
    Store,
    address,
    altered_scores,
    altered_tags,
    failures,
    reason,
)


class Held(NamedTuple):
    """What the store holds of a run: its tags, and the latest value of each of its metrics."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def differing(records: Sequence[Record]) -> tuple[list[str], int]:
    """Facts and scores that MLflow holds otherwise than the records do, and how many of the runs it does not hold.

    Refused where there is no store, or where it does not answer.
    """
    if address() == DEFAULT_STORE and not Path(DEFAULT_STORE.partition(":///")[2]).is_file():
        raise Refusal("there is no MLflow store here", "mlflow.db does not exist", "receipts sync")
    try:
        held = dict(runs_of(Store()))
    except failures() as error:
        raise Refusal("the MLflow store does not answer", reason(error), "try again when it is back") from error
    found = [told for record in records if record.run_id in held for told in against(record, held[record.run_id])]
    return found, sum(record.run_id not in held for record in records)


def runs_of(store: Store) -> Iterator[tuple[str, Held]]:
    """Run id and what is held, for every run in the store that belongs to a record."""
    for run in pages(store.client, store.experiment):
        if RUN_ID in run.data.tags:
            yield run.data.tags[RUN_ID], Held(run.data.tags, run.data.metrics)


def against(record: Record, held: Held) -> list[str]:
    """The facts and the latest scores of a record, against what MLflow holds."""
    told = [(name, *both) for name, both in altered_tags(held.tags, record).items()]
    told += [
        (name.replace("/", " ", 1), repr(theirs), repr(ours))
        for name, (theirs, ours) in altered_scores(held.metrics, record).items()
    ]
    return [
        f"MLflow has {name} {theirs} for {record.run_id}, its record {ours}: receipts sync puts it right"
        for name, theirs, ours in told
    ]
