"""A project with invented runs whose prediction files, numbers and identities are consistent with one another."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf
from records import made

from receipts.config import reporting
from receipts.config.questions import Reporting
from receipts.config.schema import Config, Facts, Task
from receipts.evaluation.metrics import confusion, evaluate
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.storage import write
from receipts.provenance import code
from receipts.provenance.identity import Identity, config_hash, method_hash
from receipts.report import build, collect, lock, selection
from receipts.report.model import Report
from receipts.runs import plans
from receipts.runs import record as records
from receipts.runs.plans import Arm, Cell, Plan
from receipts.runs.record import Code, Core, Record, Score

TASK = Task(kind="classification", classes=3, primary="accuracy", margin=0.03)
N = 120
NOTEBOOK = "# Experiments\n\nabove\n\n<!-- receipts:begin -->\n<!-- receipts:end -->\n\n## Notes\n\nbelow\n"


def project(folder: Path, *confs: str) -> Path:
    """A project's folder with experiments of these names, and nothing run."""
    (folder / "conf").mkdir(parents=True)
    for conf in confs:
        (folder / "conf" / f"{conf}.yaml").write_text("purpose: A test.\n")
    (folder / "train.py").write_text("")
    (folder / "EXPERIMENTS.md").write_text(NOTEBOOK)
    return folder


def predictions(skill: float, seed: int, n: int = N) -> Predictions:
    """Predictions of which about a share `skill` is right; the same samples are hard for every method."""
    hardness = np.random.default_rng(0).uniform(0, 1, n)
    labels = np.random.default_rng(1).integers(0, 3, n)
    right = hardness + np.random.default_rng(seed).normal(0, 0.03, n) < skill
    given = np.where(right, labels, (labels + 1) % 3)
    probabilities = np.full((n, 3), 0.1, dtype=np.float32)
    probabilities[np.arange(n), given] = 0.8
    return Predictions(ids=[f"s{row:03d}" for row in range(n)], targets=labels, probabilities=probabilities)


def values_of(conf: str, seed: int, changes: Mapping[str, Any], deterministic: bool) -> dict[str, Any]:
    """The whole config of a run."""
    config = Config(
        purpose="A test.", seed=seed, model={"_target_": "lab.net.Net", "conf": conf}, data={"_target_": "lab.d.D"}
    )
    config.task, config.facts = TASK, Facts(deterministic=deterministic)
    config.fit.select.metric = TASK.primary
    values = asdict(config)
    values["model"] |= changes
    return values


def ran(
    conf: str = "net",
    seed: int = 0,
    skill: float = 0.9,
    second: int = 0,
    splits: tuple[str, ...] = ("test",),
    n: int = N,
    model: Mapping[str, Any] | None = None,
    deterministic: bool = False,
    again: int | None = None,
    **changes: Any,
) -> Record:
    """A completed run below runs/; `second` is its place in time, `again` draws its predictions by another seed."""
    values = values_of(conf, seed, model or {}, deterministic)
    parts = {"config": config_hash(values), "code": "c0de", "lock": "10c4", "data": "da7a", "split": "5911"}
    parts |= {name: changes.pop(name) for name in list(changes) if name in ("code", "lock", "data", "split")}
    identity = Identity(code.combined(parts), **parts)
    folder = Path("runs") / f"20261120-1337{second:02d}-{conf}-s{seed}-{identity.id[:8]}"
    scores = []
    for split in splits:
        path = folder / "predictions" / f"{split}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = predictions(skill, seed if again is None else again, n)
        checksum, metrics = write(stored, path), evaluate(stored, TASK, second=False)
        table = confusion(stored, TASK).tolist()
        file = path.relative_to(folder).as_posix()
        scores.append(Score(split, n, file, checksum, code.harness(), "2026-11-20T13:38:00Z", metrics, table))
    words = [f"model.{key}={value}" for key, value in (model or {}).items()]
    facts: dict[str, Any] = {
        "run_id": folder.name, "conf": conf, "names": [conf], "seed": seed, "identity": identity, "scores": scores,
        "overrides": [*words, *([f"seed={seed}"] if seed else [])],
        "method": method_hash(values), "deterministic": deterministic, "rung": "linear" if deterministic else None,
        "code": Code("c0ffee" * 6, [], None, Core("0.1.0", code.core()), code.harness(), {}),
        "command": f"python train.py conf={conf} seed={seed}",
    }  # fmt: skip
    record = made(0, **facts | changes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(values)))
    keep(record)
    return record


def keep(record: Record) -> None:
    """Write a record as it stands now."""
    folder = Path("runs") / record.run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_bytes(records.encode(record))


def seeds(conf: str, skill: float, n: int = 5, second: int = 0, **changes: Any) -> list[Record]:
    """Runs of several seeds."""
    return [ran(conf, seed, skill, second + seed, **changes) for seed in range(n)]


def three(second: int = 0) -> None:
    """A deterministic linear method and two networks, one much better."""
    ran("linear", skill=0.8, second=second, deterministic=True)
    seeds("net", 0.9, second=second + 10)
    seeds("wide", 0.905, second=second + 20)


def planned(conf: str, runs: Mapping[str, list[Record]], **changes: Any) -> Plan:
    """A plan over runs that exist."""
    facts: dict[str, Any] = {
        "plan_id": f"20261120-150000-{conf}-abcdef01", "conf": conf, "kind": "ablations",
        "command": f"python ablate.py conf={conf}", "created": "2026-11-20T15:00:00Z", "commit": "c0ffee" * 6,
        "seeds": list(range(5)), "shared": {"epochs": 40},
        "arms": [Arm(name, conf, expect="worse" if at else "") for at, name in enumerate(runs)],
        "cells": [Cell(name, run.seed, "cells/x.yaml", run.identity.id, run_id=run.run_id)
                  for name, own in runs.items() for run in own],
    }  # fmt: skip
    plan = Plan(**facts | changes)
    folder = plans.PLANS / plan.plan_id
    folder.mkdir(parents=True)
    (folder / "plan.json").write_bytes(plans.encode(plan))
    return plan


def asked(text: str) -> None:
    """Write conf/scripts/report.yaml."""
    reporting.PATH.parent.mkdir(exist_ok=True)
    reporting.PATH.write_text(text)


def reported(options: Reporting | None = None) -> Report:
    """What report.py computes, without writing it."""
    allow = options.allow if options else {}
    found = collect.collect()
    chosen = selection.select(found, reporting.load(), allow)
    return build.report(found, chosen, lock.refuse_mixtures(chosen.drafts, allow))


@contextmanager
def inside(folder: Path) -> Iterator[Path]:
    """Work in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
