"""A report made from a team's server is the one that is made from the run folders, to the byte."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from recorded import asked, planned, predictions, ran, seeds

from receipts.config import reporting
from receipts.report import build, collect, lock, output, selection, source
from receipts.runs import plans, syncing, tracking
from receipts.runs.plans import Arm
from receipts.runs.record import Record

TABLES = """
tables:
  main: {rows: [linear, net], against: linear, columns: [accuracy]}
  parts: {rows: {ablations_of: net}}
  rates: {rows: {sweep_of: net, key: model.lr}}
figures: [mistakes, learning_curves]
"""


def files_of(place: Path, folder: str) -> dict[str, bytes]:
    """Every file of a report on the runs of some folder."""
    found = collect.collect(place)
    chosen = selection.select(found, reporting.load(), {})
    made = build.report(found, chosen, lock.refuse_mixtures(chosen.drafts, {}))
    assert [table.name for table in made.tables] == ["main", "parts", "rates"]
    output.write(made, Path(folder))
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def trained(runs: list[Record]) -> list[Record]:
    """Runs with what a network leaves besides its numbers: a history, and pictures of what it got wrong."""
    for run in runs:
        folder = Path("runs") / run.run_id
        rows = [f"{epoch},{10 * epoch},{epoch},{1 / epoch},{0.8 + 0.01 * epoch}" for epoch in (1, 2, 3)]
        (folder / "history.csv").write_text("\n".join(["epoch,step,elapsed_s,loss,val/accuracy", *rows]) + "\n")
        (folder / "diagnostics").mkdir()
        shown = {"ids": np.array(predictions(0.9, 0).ids), "images": np.full((120, 8, 8), 0.5, np.float32)}
        np.savez_compressed(folder / "diagnostics" / "pictures-test.npz", **shown)
    return runs


def test_tables_ablations_dynamics_and_pictures_come_back_from_the_server(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{lab}/mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "lab")
    for name in tracking.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    asked(TABLES)
    ran("linear", skill=0.8, deterministic=True)
    net = trained(seeds("net", 0.95, n=3, second=10))
    without = trained(seeds("net", 0.8, n=2, second=20, model={"dropout": 0}))
    faster = trained(seeds("net", 0.85, n=2, second=30, model={"lr": 0.1}))
    planned("net", {"net": net, "without": without})
    arms = [Arm("net", "net"), Arm("model.lr=0.1", "net", difference={"model.lr": [0.01, 0.1]})]
    rates = {"net": net, "model.lr=0.1": faster}
    planned("net", rates, plan_id="20261120-160000-net-00000002", kind="sweep", key="model.lr", arms=arms)
    here = files_of(source.pulled("runs"), "report")
    assert "tables/rates-dynamics.csv" in here
    assert "figures/mistakes-main.png" in here

    sent = syncing.sync([*(path.parent for path in Path("runs").glob("*/record.json")), *plans.folders()])
    assert (len(sent.sent), sent.failed) == (10, {})
    for path in Path("runs").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    assert files_of(source.pulled("mlflow"), "elsewhere") == here
