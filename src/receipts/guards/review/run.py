"""`receipts review RUN`: one list of what the machine checked and what a person must look at, and who did."""

import json
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from receipts.bounds import confine
from receipts.config.compose import Experiment
from receipts.config.project import RUNS
from receipts.data.items import Items
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.received import read
from receipts.guards.review import picks
from receipts.guards.review.page import Card, Section, html, picture
from receipts.provenance import git
from receipts.refusal import Refusal, nearest
from receipts.runs import reviews
from receipts.runs.files import write_atomically
from receipts.runs.process import now
from receipts.runs.record import Record
from receipts.runs.repeat import experiment_of

SPLIT = "val"  # test is not opened for looking


def review(record: Record, tick: str = "", by: str = "") -> list[str]:
    """Write review.html, review.json and a file for each sample into the run's folder; say what is left to do.

    `tick` names what was looked at, `by` who did: git's user where nobody is named.
    """
    experiment, folder = experiment_of(record), RUNS / record.run_id
    score = record.score(SPLIT)
    if score is None:
        raise Refusal(f"{record.run_id} has no predictions of {SPLIT}", "there is nothing to review", "python train.py")
    predictions = read(confine(folder, score.file))
    found = picks.five(predictions, experiment.config.task, record.run_id)
    items = {pick.name: f"{pick.sample}: {pick.told}" for pick in found}
    bad = picks.losses(predictions, experiment.config.task)
    for name, column in picks.columns(predictions).items():
        items[f"mean per {name}"] = picks.outliers(bad, column)
    state = ticked(folder / "review.json", items, tick, by)
    inputs = samples(experiment, found)
    for pick in found:
        place = folder / "review" / f"{pick.name.replace(' ', '-')}.txt"
        place.parent.mkdir(exist_ok=True)
        write_atomically(place, f"{pick.name}\n{pick.sample}\n{pick.told}\n{values(inputs.get(pick.name))}\n".encode())
    sections = laid_out(record, predictions, found, inputs, state)
    write_atomically(folder / "review.html", html(f"Review of {record.run_id}", sections).encode())
    left = [quote(f"tick={each['item']}") for each in state if "by" not in each]
    cure = f", then receipts review {record.run_id} {left[0]}" if left else ""
    return [*told(state), f"next: open {folder}/review.html{cure}"]


def signed_before(path: Path) -> dict[str, dict[str, str]]:
    """What was ticked so far, by item; nothing where nobody has looked yet."""
    try:
        return reviews.stored(path)
    except FileNotFoundError:
        return {}


def ticked(path: Path, items: dict[str, str], tick: str, by: str) -> list[dict[str, Any]]:
    """The items with who looked at them and when, one more ticked where asked; kept in review.json.

    A tick lapses when what it covered is no longer the same.
    """
    known = signed_before(path)
    if tick and tick not in items:
        raise Refusal(
            f"there is nothing called {tick!r}{nearest(tick, list(items))}",
            f"to tick are {', '.join(items)}",
            "name one",
        )
    state = []
    for item, what in items.items():
        old = known.get(item, {})
        signed = {key: old[key] for key in ("by", "at") if key in old} if old.get("what") == what else {}
        if item == tick:
            signed = {"by": by or git.user(), "at": now()}
        state.append({"item": item, "what": what} | signed)
    write_atomically(path, (json.dumps(state, indent=1) + "\n").encode())
    return state


def told(state: list[dict[str, Any]]) -> list[str]:
    """Each item on a line, ticked or not."""
    return [
        f"[{'x' if 'by' in each else ' '}] {each['item']}: {each['what']}"
        + (f"      ({each['by']}, {each['at'][:10]})" if "by" in each else "")
        for each in state
    ]


def samples(experiment: Experiment, found: list[picks.Pick]) -> dict[str, Any]:
    """The inputs of the picked samples, as the method got them."""
    from receipts.data import manifest
    from receipts.data.opening import open_splits

    if experiment.config.split.rule == "datamodule":
        return {}
    _, division = manifest.load(experiment.data)
    (subset,) = open_splits(experiment, division, (SPLIT,), [])
    inputs = subset.inputs
    if isinstance(inputs, dict):
        return {pick.name: {key: part[pick.row] for key, part in inputs.items()} for pick in found}
    if isinstance(inputs, Items):
        batch = inputs.read([pick.row for pick in found])
        return {} if isinstance(batch, dict) else {pick.name: batch[at] for at, pick in enumerate(found)}
    return {pick.name: inputs[pick.row] for pick in found}


def values(sample: Any) -> str:
    """A sample's numbers, for whoever has no pictures."""
    if sample is None:
        return "its input cannot be shown"
    return (
        np.array2string(np.asarray(sample), precision=4, threshold=400) if not isinstance(sample, dict) else str(sample)
    )


def laid_out(
    record: Record,
    predictions: Predictions,
    found: list[picks.Pick],
    inputs: dict[str, Any],
    state: list[dict[str, Any]],
) -> list[Section]:
    """The page's sections: one list first, then what it points to."""
    checks = [(check.verdict, f"{check.code}: {check.evidence}") for check in record.checks]
    people = [("seen" if "by" in each else "look", line[4:]) for each, line in zip(state, told(state), strict=True)]
    cards = [
        Card(
            pick.name,
            [pick.sample, pick.told],
            picture(np.asarray(shown)) if is_array(shown := inputs.get(pick.name)) else None,
        )
        for pick in found
    ]
    sections = [
        Section("What the machine checked, and what a person must look at", items=[*checks, *people]),
        Section("Five samples", f"Of {len(predictions)} rows of {SPLIT}; test is not opened for looking.", cards=cards),
    ]
    words = ["mean prediction", "mean target"] if predictions.probabilities is None else ["how sure", "share right"]
    for name, column in picks.columns(predictions).items():
        rows = picks.means(predictions, column)[:50]
        sections.append(Section(f"By {name}", head=[name, "samples", *words], rows=rows))
    return sections


def is_array(sample: Any) -> bool:
    """Whether a sample is one array of numbers."""
    return isinstance(sample, np.ndarray) and sample.dtype.kind in "biuf"
