"""Pulling from a team's store: what was sent comes back as run folders, and nothing else does."""

import hashlib
import shutil
from pathlib import Path

import pytest
from invented import full, score

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.report import source
from receipts.runs import pulling, record, tracking


@pytest.fixture(autouse=True)
def project(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(tables, "mlflow.db")
    for name in (*tracking.DEFAULTS, "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def sent(letter: str = "a", file: str = "predictions/val.parquet", run_id: str = "") -> Path:
    """A run folder that MLflow holds a copy of."""
    rows = b"rows of " + letter.encode()
    found = full(letter, second=ord(letter) - 96)
    found.run_id = run_id or found.run_id
    found.scores = [score()]
    found.scores[0].file, found.scores[0].sha256 = file, hashlib.sha256(rows).hexdigest()
    folder = RUNS / found.run_id
    (folder / "predictions").mkdir(parents=True)
    (folder / "predictions" / "val.parquet").write_bytes(rows)
    (folder / "config.yaml").write_text("seed: 0\n")
    (folder / "record.json").write_bytes(record.encode(found))
    assert tracking.sync([folder]).sent == [folder.name]
    return folder


def artifact(folder: Path, name: str) -> Path:
    """The store's copy of a file."""
    store = tracking.Store()
    view = store.view(folder, record.read(folder))
    return Path(view.run.info.artifact_uri.removeprefix("file://")) / name


def test_what_was_sent_comes_back_byte_for_byte_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [sent("a"), sent("b")]
    place = source.pulled("mlflow")
    assert sorted(path.name for path in place.iterdir()) == [folder.name for folder in folders]
    for folder in folders:
        for name in ("record.json", "config.yaml", "predictions/val.parquet"):
            assert (place / folder.name / name).read_bytes() == (folder / name).read_bytes()
        assert not (place / folder.name / "README.md").exists()
    assert "pulled 2 runs from MLflow, 0 were here, 0 not taken" in capsys.readouterr().out
    assert source.pulled("mlflow") == place
    assert "pulled 0 runs from MLflow, 2 were here" in capsys.readouterr().out
    assert pulling.folder_of(folders[0].name) == folders[0]
    shutil.rmtree(folders[0])
    assert pulling.folder_of(folders[0].name) == place / folders[0].name
    assert pulling.folder_of("20261120-000000-net") is None
    assert place.parent.name[0] == "."  # no other command takes it for a run


def test_a_record_that_changed_is_brought_anew() -> None:
    folder = sent()
    place = source.pulled("mlflow") / folder.name
    found = record.read(folder)
    found.purpose = "Another."
    (folder / "record.json").write_bytes(record.encode(found))
    tracking.sync([folder])
    assert source.pulled("mlflow") == place.parent
    assert record.read(place).purpose == "Another."


def test_an_altered_file_is_not_taken_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    good, record_changed, rows_changed = sent("a"), sent("b"), sent("c")
    for path in (artifact(record_changed, "record.json"), artifact(rows_changed, "predictions/val.parquet")):
        path.write_bytes(path.read_bytes() + b"\n")
    place = source.pulled("mlflow")
    assert [path.name for path in place.iterdir()] == [good.name]
    said = capsys.readouterr().out
    assert f"NOT TAKEN  {record_changed.name}: record.json is not the one that was sent" in said
    assert f"NOT TAKEN  {rows_changed.name}: predictions/val.parquet is not what was scored" in said


def test_an_altered_metric_is_named_and_the_record_counts(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sent()
    store = tracking.Store()
    view = store.view(folder, record.read(folder))
    store.client.log_metric(view.id, "val/accuracy", 0.99, step=5)
    place = source.pulled("mlflow")
    assert "val/accuracy is 0.99, the record says 0.9" in capsys.readouterr().out
    found = record.read(place / folder.name).score("val")
    assert found is not None
    assert found.metrics["accuracy"].value == 0.9


def test_no_name_from_the_server_leads_out_of_the_folder(tmp_path: Path) -> None:
    sent("a", file="predictions/../../../escaped.parquet")
    store = tracking.Store()
    client, experiment = store.client, store.experiment
    for run_id in ("../../escaped", "/tmp/escaped", ".hidden", ""):
        client.create_run(experiment, tags={tracking.RUN_ID: run_id, tracking.SENT: "ab"})
    client.create_run(experiment, tags={"made": "by hand"})  # not ours at all
    done = pulling.pull(tmp_path / "cache")
    assert done.taken == []
    assert len(done.refused) == 5
    assert list(done.folder.iterdir()) == []
    assert not list(tmp_path.glob("**/escaped*"))


def test_a_run_that_is_under_way_is_left_where_it_is(tmp_path: Path) -> None:
    folder = sent()
    store = tracking.Store()
    store.client.delete_tag(store.view(folder, record.read(folder)).id, tracking.SENT)
    (reason,) = pulling.pull(tmp_path / "cache").refused.values()
    assert reason.startswith("it was not sent in full")


def test_a_store_that_is_away_and_a_source_that_nobody_knows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source.pulled("runs") == RUNS
    with pytest.raises(Refusal, match="source=wandb"):
        source.pulled("wandb")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(Refusal, match="cannot be read"):
        source.pulled("mlflow")
