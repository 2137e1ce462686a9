"""A small project with runs of a net, a linear model and a floor, all invented: records, predictions, histories."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import reports
from folders import inside
from records import made, stored

from receipts.config.schema import Task
from receipts.data.sealed import Subset
from receipts.evaluation import pictures
from receipts.evaluation.metrics import confusion, evaluate
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.storage import write
from receipts.report import slices
from receipts.report.figures import evidence
from receipts.report.model import Entry, Part, Report, Sliced, Table
from receipts.runs.plans import Arm, Plan
from receipts.runs.record import Checkpoint, Failure, Record, Score

N, CLASSES = 60, 3
TASK = Task(kind="classification", classes=CLASSES, primary="accuracy")
METRICS = ("accuracy", "nll", "ece")


@contextmanager
def project(folder: Path) -> Iterator[Path]:
    """An empty project as the working folder."""
    evidence.loaded.cache_clear()
    with inside(folder):
        yield folder
    evidence.loaded.cache_clear()


def report(**words: str) -> Report:
    """Three methods on test, one plan with an ablation, one sweep, and a run that failed."""
    net = [run(f"net-s{seed}", "net", seed, skill=3.0, **words) for seed in range(5)]
    small = [run(f"small-s{seed}", "net", seed, skill=2.5, **words) for seed in range(5)]
    logreg, floor = run("logreg", "logreg", 0, skill=1.5, **words), run("floor", "floor", 0, skill=0.0, **words)
    main = reports.table(
        "main", {"floor": [floor], "logreg": [logreg], "net": net}, metrics=METRICS, against="logreg",
        caption="Three methods on the same samples.",
    )  # fmt: skip
    main = replace(main, slices=by_ink(main))
    arms = [
        Arm("net", "net"),
        Arm("small", "net", ["model.width=8"], {"model.width": [16, 8]}, hypothesis="Width matters.", expect="worse"),
    ]
    plan = planned("ablations", arms)
    ablations = reports.table("ablations", {"net": net, "small": small}, against="net", plan=plan)
    dead = stored(made(9, run_id="dead", conf="net", status="failed", failure=Failure("the loss became NaN", [])))
    found = reports.report(main, ablations, sweep(net, small), plans=[plan])
    broken = Entry(dead.name, made(9, run_id="dead", conf="net"), "failed", (), "the loss became NaN")
    return replace(found, ledger=[*found.ledger, broken])


def by_ink(table: Table) -> list[Sliced]:
    """One slicing of two parts, on which all methods score what they score anyway."""
    column = table.columns[0]
    estimates = {row.name: row.cells[column.metric].estimate for row in table.rows}
    parts = [Part(name, 30, estimates, [replace(table.comparisons[-1], row="net")]) for name in ("high", "low")]
    receipts = {row.name: row.cells[column.metric].numbers[""].receipt for row in table.rows}
    labels = {row.name: row.label for row in table.rows}
    return slices.numbered(table.name, [Sliced("ink", column, parts)], labels, receipts)


def sweep(net: list[Record], small: list[Record]) -> Table:
    """The same runs as points of one turned key."""
    arms = [Arm("net", "net"), Arm("model.width=8", "net", ["model.width=8"], {"model.width": [16, 8]})]
    return reports.table(
        "width", {"net": net, "model.width=8": small}, against="net", plan=planned("sweep", arms, "model.width")
    )


def planned(kind: Any, arms: list[Arm], key: str = "") -> Plan:
    return Plan(
        plan_id=kind, conf="net", kind=kind, key=key, command="python ablate.py conf=net", created="", commit="c0ffee",
        seeds=list(range(5)), arms=arms, cells=[],
    )  # fmt: skip


def run(
    run_id: str, conf: str, seed: int, skill: float, group: str = "", purpose: str = "Why?", note: str = ""
) -> Record:
    """A run with predictions, pictures and a history in its folder; `group` names the group of every third sample."""
    found = made(
        seed, run_id=run_id, conf=conf, seed=seed, purpose=purpose, checkpoint=Checkpoint("c", 2, "max val", "ab")
    )
    folder = stored(found)
    answers = predicted(seed, skill, group)
    (folder / "predictions").mkdir(exist_ok=True)
    checksum = write(answers, folder / "predictions" / "test.parquet")
    metrics = evaluate(answers, TASK, second=False)
    matrix = confusion(answers, TASK).tolist()
    at = "2026-11-20T13:37:30Z"
    found.scores = [Score("test", N, "predictions/test.parquet", checksum, "cd" * 32, at, metrics, matrix)]
    images = np.random.default_rng(0).random((N, 1, 6, 6)).astype(np.float32)
    pictures.write(answers, Subset("test", answers.ids, images, answers.targets, None, None), folder)  # type: ignore[arg-type]
    if conf == "net":
        lines = [f"{epoch},{0.5 + epoch * 0.1 + seed * 0.01}" for epoch in (1, 2, 3)]
        (folder / "history.csv").write_text("epoch,val/accuracy\n" + "\n".join(lines) + "\n")
    stored(found)
    if note:
        remember(answers.ids, note)
    return found


def predicted(seed: int, skill: float, group: str) -> Predictions:
    """Predictions of N samples, the better the higher the skill."""
    rng = np.random.default_rng(seed + int(10 * skill))
    targets = np.arange(N) % CLASSES
    logits = rng.normal(size=(N, CLASSES)) + skill * np.eye(CLASSES)[targets]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    groups = [(group if row % 3 == 0 else f"g{row % 3}") for row in range(N)] if group else None
    return Predictions([f"s{row:02d}" for row in range(N)], targets, shares.astype(np.float32), groups=groups)


def remember(ids: list[str], note: str) -> None:
    """A remark about every sample, as a person would write it."""
    Path("notes").mkdir(exist_ok=True)
    lines = [f'digits,{name},"{note}"' for name in ids]
    Path("notes/examples.csv").write_text("data,sample,note\n" + "\n".join(lines) + "\n", encoding="utf-8")
