"""A team's MLflow server: real, on loopback, killed in mid-run and started again."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from folders import commit, runs, write
from launching import begin, ended, launch
from serving import Server

from receipts.runs import flat, tracking
from receipts.runs import record as records

HELD = """
import time
from pathlib import Path
from lab.net import Net

class Held(Net):
    def on_train_epoch_start(self):
        while self.current_epoch == 2 and Path("hold").exists():
            time.sleep(0.02)
"""


def stored(server: Server, folder: Path) -> tuple[str, Counter[tuple[str, int, str]], set[str]]:
    """What the server holds of a run: status, how often each point, and the names of artifacts."""
    from mlflow import MlflowClient

    client = MlflowClient(server.address)
    (experiment,) = client.search_experiments(filter_string="name = 'project'")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`receipts.run_id` = '{folder.name}'")
    points = [point for key in run.data.metrics for point in client.get_metric_history(run.info.run_id, key)]
    listed = [client.list_artifacts(run.info.run_id, top) for top in (None, "predictions", "checkpoints")]
    names = {file.path for files in listed for file in files}
    return run.info.status, Counter((p.key, p.step, repr(p.value)) for p in points), names


def wanted(folder: Path) -> Counter[tuple[str, int, str]]:
    """Every point of a run's folder, once."""
    points = flat.points(folder, records.read(folder))
    return Counter((tracking.legal(p.metric), p.step, repr(p.value)) for p in points)


def test_a_server_that_dies_in_mid_run_costs_nothing(
    server: Server, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "src/lab/held.py", HELD)
    model = "{_target_: lab.held.Held, features: 64, outputs: 10, hidden: 8, dropout: 0.0, lr: 0.01}"
    fit = "fit: {epochs: 4, batch_size: 64}"
    write(project, "conf/held.yaml", f"purpose: Is it kept?\nseed: 0\nmodel: {model}\n{fit}\n")
    commit(project)
    there = {"MLFLOW_TRACKING_URI": server.address}
    for name, value in (tracking.DEFAULTS | there).items():
        monkeypatch.setenv(name, value)

    first = launch(project, "train.py", "conf=held", environment=there, tracked=True)
    assert (first.code, first.err) == (0, "")
    assert "WARNING" not in first.out, first.out
    (whole,) = runs(project)
    status, points, names = stored(server, whole)
    assert (status, points) == ("FINISHED", wanted(whole))
    assert names >= {"record.json", "README.md", "predictions/val.parquet", "checkpoints/best.ckpt"}

    (project / "hold").touch()
    second = begin(project, "train.py", "conf=held", "seed=1", environment=there, tracked=True)
    until = time.monotonic() + 60
    while not [path for path in runs(project) if path != whole and seen(server, path)]:
        assert time.monotonic() < until
        time.sleep(0.2)
    server.kill()
    (project / "hold").unlink()
    released = time.monotonic()
    second.join(60)
    waited = time.monotonic() - released
    done = ended(project, second)
    assert done.code == 0, done.err
    assert "WARNING MLflow lacks part of this run" in done.out
    assert "receipts sync" in done.out
    assert waited < 20, "training never waits for the server"
    (cut,) = [path for path in runs(project) if path != whole]
    assert json.loads((cut / "record.json").read_text())["status"] == "completed"

    server.start()
    synced = launch(project, "receipts", "sync", environment=there)
    assert (synced.code, synced.out) == (0, "sent 1, already there 1, running 0, failed 0\n")
    for folder in (whole, cut):
        status, points, _ = stored(server, folder)
        assert (status, points) == ("FINISHED", wanted(folder)), "nothing lost, nothing doubled"
    again = launch(project, "receipts", "sync", environment=there)
    assert again.out == "sent 0, already there 2, running 0, failed 0\n"


def seen(server: Server, folder: Path) -> bool:
    """Whether the server shows a run's first row of history."""
    from mlflow import MlflowClient

    client = MlflowClient(server.address)
    (experiment,) = client.search_experiments(filter_string="name = 'project'")
    found = client.search_runs([experiment.experiment_id], f"tags.`receipts.run_id` = '{folder.name}'")
    return bool(found) and "history/loss" in found[0].data.metrics and found[0].info.status == "RUNNING"
