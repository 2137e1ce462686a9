"""From a score to the samples behind it: `groups/` in the run folder, worst group first.

Views for people: no number is computed from them. The index holds every group, by means of the samples' own losses,
in time linear in the samples; folders with all of the harness's metrics exist for the worst groups only.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from receipts.config.schema import Task
from receipts.evaluation import diagnostics, eyes, interval
from receipts.evaluation.grouping import Grouping, folder_names, grouped, numbered
from receipts.evaluation.losses import per_sample
from receipts.evaluation.metrics import TABLE, arrays, compute, scored_as
from receipts.evaluation.predictions import Predictions
from receipts.runs.files import replace_folder, write_atomically
from receipts.runs.record import Metric
from receipts.runs.views import CSV_ROWS

Array = NDArray[Any]
FOLDERS = 100  # groups with a folder of their own, the worst ones
FEWEST = 100  # rows that every group may list; of few groups each lists more, `CSV_ROWS` in all
INDEX = "_index.csv"


@dataclass(frozen=True)
class Losses:
    """What each sample adds to each metric that is a mean over samples, (N,) each; `rank` sorts the groups."""

    each: dict[str, Array]
    rank: str
    higher: bool

    def of(self, rows: Array) -> "Losses":
        """Those of some samples."""
        return Losses({name: values[rows] for name, values in self.each.items()}, self.rank, self.higher)


@dataclass(frozen=True)
class Scored:
    """One split that was scored, and what its samples are grouped and sorted by; `error` (N,) sorts samples.

    `truth` and `stated` are what the metrics are computed of.
    """

    split: str
    predictions: Predictions
    task: Task
    grouping: Grouping
    entities: Grouping | None
    losses: Losses
    error: Array
    truth: Array
    stated: Array

    def metrics(self, members: Array) -> dict[str, Metric]:
        """The harness's metrics over some samples; only means over samples where groups are cut by the target."""
        kind, n = scored_as(self.task), len(self.predictions)
        truth, stated = (array.reshape(n, -1)[members] for array in (self.truth, self.stated))
        stated = stated if kind == "classification" else stated.ravel()
        names = self.losses.each if self.grouping.by_target else TABLE[kind]
        return {name: compute(TABLE[kind][name], truth.ravel(), stated) for name in names}


def write(folder: Path, split: str, predictions: Predictions, task: Task) -> None:
    """Bring `groups/` and `diagnostics/` of a run up to date for one split."""
    scored = looked_at(split, predictions, task)
    top = folder / "groups"
    top.mkdir(exist_ok=True)
    for orphan in top.glob(f".{split}.*"):
        shutil.rmtree(orphan, ignore_errors=True)  # of a process that was killed; one at a time writes to a run
    draft = top / f".{split}.{os.getpid()}"
    draft.mkdir()
    try:
        write_groups(draft, scored)
        replace_folder(draft, top / split)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    join_indices(top)
    diagnostics.write(folder / "diagnostics" / split, predictions)


def looked_at(split: str, predictions: Predictions, task: Task) -> Scored:
    """A split with its groups, entities and losses; ranked by the primary metric's own, or else by the first."""
    kind = scored_as(task)
    truth, stated = arrays(predictions, task)
    each = interval.losses(truth, stated, len(predictions), kind)
    rank = task.primary if task.primary in each else next(iter(each))
    if rank != "micro_f1":
        each.pop("micro_f1", None)  # accuracy under another name
    entities = None if predictions.entities is None else numbered("entity", predictions.entities)
    losses = Losses(each, rank, TABLE[kind][rank].better == "higher")
    groups, error = grouped(predictions, task), per_sample(predictions)
    return Scored(split, predictions, task, groups, entities, losses, error, truth, stated)


def summary(grouping: Grouping, losses: Losses) -> pd.DataFrame:
    """One row a group, worst first: its name, samples, mean losses, and its share of what is lost in all.

    Equally bad groups: the larger first. `code` is the group's number.
    """
    n = np.bincount(grouping.codes, minlength=len(grouping.names))
    columns: dict[str, object] = {"code": np.arange(len(n)), "group": grouping.names, "n": n}
    for name, values in losses.each.items():
        mean = np.bincount(grouping.codes, values, len(n)) / n
        columns[name] = np.sqrt(mean) if name == "rmse" else mean
    ranked = losses.each[losses.rank]
    lost = 1 - ranked if losses.higher else ranked
    total = float(lost.sum())
    columns["share_of_loss"] = np.bincount(grouping.codes, lost, len(n)) / total if total else np.zeros(len(n))
    frame = pd.DataFrame(columns)
    return frame.sort_values([losses.rank, "n"], ascending=[losses.higher, False], kind="stable", ignore_index=True)


def write_groups(draft: Path, scored: Scored) -> None:
    """The index, the entities of the split, and a folder for each of the worst groups."""
    grouping = scored.grouping
    index = summary(grouping, scored.losses)
    names = folder_names(index["group"][:FOLDERS])
    most = max(FEWEST, CSV_ROWS // len(names))
    order = np.argsort(grouping.codes, kind="stable")
    starts = np.searchsorted(grouping.codes[order], np.arange(len(grouping.names) + 1))
    for name, code in zip(names, index["code"][:FOLDERS].tolist(), strict=True):
        (draft / name).mkdir()
        write_group(draft / name, grouping.names[code], scored, order[starts[code] : starts[code + 1]], most)
    write_entities(draft, scored, np.arange(len(scored.predictions)), CSV_ROWS)
    table = index.drop(columns="code")
    table.insert(0, "split", scored.split)
    table.insert(1, "by", grouping.by)
    table["folder"] = [f"{scored.split}/{name}" for name in names] + [""] * (len(index) - len(names))
    (draft / INDEX).write_bytes(eyes.as_csv(table))


def write_group(folder: Path, group: str, scored: Scored, members: Array, most: int) -> None:
    """One group: every metric of the harness over its samples, its worst samples, its worst entities."""
    found = scored.metrics(members)
    worst = members[np.argsort(-scored.error[members], kind="stable")[:most]]
    facts = {
        "group": group,
        "by": scored.grouping.by,
        "split": scored.split,
        "n": len(members),
        "metrics": {name: metric.value for name, metric in found.items()},
        "undefined": {name: metric.undefined for name, metric in found.items() if metric.undefined},
        "predictions": f"the worst {len(worst)} of {len(members)}; all: ../../../predictions/{scored.split}.parquet",
    }
    (folder / "metrics.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (folder / "predictions.csv").write_bytes(eyes.as_csv(eyes.frame(scored.predictions, worst, scored.error)))
    write_entities(folder, scored, members, most)


def write_entities(folder: Path, scored: Scored, members: Array, most: int) -> None:
    """`per_entity.csv`: the entities of some samples, worst first; nothing where none are known."""
    if scored.entities is None:
        return
    codes, inside = pd.factorize(scored.entities.codes[members], sort=True)
    part = Grouping("entity", [scored.entities.names[code] for code in inside], codes)
    table = summary(part, scored.losses.of(members)).drop(columns="code").rename(columns={"group": "entity_id"})
    (folder / "per_entity.csv").write_bytes(eyes.as_csv(table[:most]))


def join_indices(top: Path) -> None:
    """`_index.csv` over all splits, the one scored last first, and a page that says how to read it."""
    parts = sorted(top.glob(f"[!.]*/{INDEX}"), key=lambda path: (path.parent.name != "test", path.parent.name))
    lines = [path.read_bytes().splitlines(keepends=True) for path in parts]
    write_atomically(top / INDEX, b"".join([lines[0][0], *(line for part in lines for line in part[1:])]))
    write_atomically(top / "README.md", ABOUT.encode())


ABOUT = f"""# Groups, worst first

`_index.csv` has one line for each group of each split. Splits are kept apart: `val/`, `test/`.
What makes a group stands in the column `by`: the dataset's own `groups`, else the true class, else parts of the target
by its quantiles. Sorted by the primary metric, or by the first mean over samples where the primary one is none;
`share_of_loss` is the part of all that is lost there. A group of few samples is easily the worst: look at `n`.

The worst {FOLDERS} groups of a split have a folder (column `folder`), whose name is the group's own made safe:

- `metrics.json`: every metric of the harness over the group, and why one is undefined; where groups are cut by the
  target itself, means over samples only, since inside such a group a macro average or R² says nothing;
- `predictions.csv`: its worst samples; all are in `../predictions/*.parquet`, by its column `group` or `target`;
- `per_entity.csv`: its worst entities, where the dataset names them; `<split>/per_entity.csv` has those of the split.

Lists are cut: {CSV_ROWS:,} rows for a split, and as many for all of its groups together, {FEWEST} at least for each.

For reading only. Numbers are computed from the Parquet files, and `receipts rescore RUN` writes these folders again
when the harness has changed.
"""
