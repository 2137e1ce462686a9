"""A run folder as flat parameters, points and tags: the form in which MLflow, and any other table, takes it."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from receipts.config.files import read_yaml
from receipts.refusal import Refusal
from receipts.runs import dynamics
from receipts.runs.record import Check, Record


class Point(NamedTuple):
    """One value of a metric; `at` is in milliseconds since 1970."""

    metric: str
    step: int
    value: float
    at: int


def parameters(folder: Path) -> dict[str, str]:
    """config.yaml with dotted keys, e.g. `model.dropout`, `model.steps.1.1.C`; a list of plain values stays whole."""
    path = folder / "config.yaml"
    try:
        config = read_yaml(path)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError) as error:
        raise Refusal(f"{path} cannot be read", str(error), "restore it from a backup") from error
    return {key: plain(value) for key, value in flatten(config)}


def flatten(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs of dotted key and plain value, in order."""
    nested = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value))
    if not nested or not value:
        yield key, value
        return
    for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from flatten(inner, f"{key}.{part}" if key else str(part))


def plain(value: Any) -> str:
    """A plain value as JSON, text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def points(folder: Path, record: Record) -> list[Point]:
    """Every number of a run: history, scores and cost."""
    return [*history(folder, record), *scores(record), *cost(record)]


def history(folder: Path, record: Record) -> list[Point]:
    """history.csv as `history/<column>` over its column `step`; a last line still being written is left out.

    The time of a row is the run's start plus its column `elapsed_s`, so that reading it again gives the same points.
    """
    start, found = milliseconds(record.started), []
    for row in dynamics.read(folder / "history.csv"):
        step, at = int(row.get("step") or 0), start + int(1000 * (row.get("elapsed_s") or 0))
        named = {column: value for column, value in row.items() if column != "step" and value is not None}
        found += [Point(f"history/{column}", step, value, at) for column, value in named.items()]
    return found


def scores(record: Record) -> list[Point]:
    """Every defined value as `<split>/<metric>`; the n-th score of a split is step n, so the latest comes last."""
    return [
        Point(f"{score.split}/{name}", step, metric.value, milliseconds(score.at))
        for split in dict.fromkeys(score.split for score in record.scores)
        for step, score in enumerate(score for score in record.scores if score.split == split)
        for name, metric in score.metrics.items()
        if metric.value is not None
    ]


def cost(record: Record) -> list[Point]:
    """What the run used, as `cost/<field>`."""
    used = msgspec.structs.asdict(record.cost) if record.cost else {}
    at = milliseconds(record.ended or record.heartbeat)
    return [Point(f"cost/{name}", 0, float(value), at) for name, value in used.items() if value is not None]


def tags(record: Record) -> dict[str, str]:
    """What a run is, in words to filter by; facts that are missing are left out."""
    found = {
        "run_id": record.run_id,
        "conf": record.conf,
        "seed": record.seed,
        "preset": ",".join(record.preset),
        "status": record.status,
        "reportable": record.reportable,
        "identity": record.identity.id,
        "commit": record.code.commit,
        "dirty": bool(record.code.dirty),
        "data": record.identity.data,
        "data_dvc": record.data.dvc,
        "split": record.identity.split,
        "core": record.code.core.sha256,
        "harness": record.code.harness,
        "data_kind": record.data.kind,
        "generator": record.data.generator,
        "parent": record.parent,
        "device": record.world.device,
        "checkpoint": record.checkpoint and f"runs/{record.run_id}/{record.checkpoint.file}",
        "command": record.command,
    }
    found |= {f"check.{check.code}": shown(check) for check in record.checks}
    return {key: plain(value) for key, value in found.items() if value is not None}


def shown(check: Check) -> str:
    """A verdict as a tag; of a waived one its reason too."""
    return f"{check.verdict}: {check.evidence}" if check.verdict == "waived" else check.verdict


def milliseconds(moment: str) -> int:
    """Milliseconds since 1970 of a moment in the record, e.g. `2026-11-20T13:37:02Z`."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
