"""Pulling from a team's store: what was sent comes back as run folders, and nothing else does."""

import hashlib
import shutil
import threading
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invented import full, score

from receipts import cli
from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.report import source
from receipts.runs import choice, ledger, plans, pulling, record, syncing, tracking


@pytest.fixture(autouse=True)
def project(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(tables, "mlflow.db")
    for name in (*tracking.DEFAULTS, "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def sent(letter: str = "a", run_id: str = "") -> Path:
    """A run folder that MLflow holds a copy of."""
    rows = b"rows of " + letter.encode()
    found = full(letter, second=ord(letter) - 96)
    found.run_id = run_id or found.run_id
    found.scores = [score()]
    found.scores[0].sha256 = hashlib.sha256(rows).hexdigest()
    folder = RUNS / found.run_id
    (folder / "predictions").mkdir(parents=True)
    (folder / "predictions" / "val.parquet").write_bytes(rows)
    (folder / "config.yaml").write_text("seed: 0\n")
    (folder / "diagnostics").mkdir()
    (folder / "diagnostics" / "pictures-val.npz").write_bytes(b"pictures of " + letter.encode())
    (folder / "record.json").write_bytes(record.encode(found))
    assert syncing.sync([folder]).sent == [folder.name]
    return folder


def artifact(folder: Path, name: str) -> Path:
    """The store's copy of a file."""
    there = tracking.Store()
    is_plan = (folder / plans.NAME).is_file()
    run = there.plan(plans.read(folder)) if is_plan else there.view(folder, record.read(folder)).run
    return Path(run.info.artifact_uri.removeprefix("file://")) / name


def planned() -> Path:
    """The folder of a plan, sent."""
    plan = plans.Plan(
        plan_id="20261120-150000-net-abcdef01", conf="net", kind="ablations", command="python ablate.py conf=net",
        created="2026-11-20T15:00:00Z", commit="c0ffee", seeds=[0], arms=[plans.Arm("net", "net")], cells=[],
    )  # fmt: skip
    folder = plans.folder(plan)
    folder.mkdir(parents=True)
    (folder / plans.NAME).write_bytes(plans.encode(plan))
    assert syncing.sync([folder]).sent == [folder.name]
    return folder


def test_a_run_that_is_removed_while_others_are_sent_is_not_lacking() -> None:
    gone, here = RUNS / "20261120-000000-net-s0-00000000", sent("a")
    done = syncing.sync([gone, here])
    assert (done.failed, done.already) == ({}, [here.name])


def test_what_was_sent_comes_back_byte_for_byte_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [sent("a"), sent("b")]
    place = source.pulled("mlflow")
    assert sorted(path.name for path in place.iterdir()) == [folder.name for folder in folders]
    for folder in folders:
        for name in ("record.json", "config.yaml", "predictions/val.parquet", "diagnostics/pictures-val.npz"):
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


def test_runs_are_asked_for_at_once_and_told_of_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {folder.name: folder for folder in map(sent, "abc")}
    first, broken, last = map(pulling.name_of, pulling.listed(tracking.Store()))
    artifact(folders[broken], "record.json").unlink()
    met, ended = threading.Barrier(3, timeout=60), threading.Event()

    def fetched(store: tracking.Store, run: Any, *words: Any) -> record.Record:
        met.wait()
        if pulling.name_of(run) != last:
            assert ended.wait(60)
        try:
            return now(store, run, *words)
        finally:
            ended.set()

    now = pulling.fetched
    monkeypatch.setattr(pulling, "fetched", fetched)
    done = pulling.pull(tmp_path / "cache")
    assert (done.taken, [*done.refused]) == ([first, last], [broken])


def test_a_record_that_changed_is_brought_anew() -> None:
    folder = sent()
    place = source.pulled("mlflow") / folder.name
    found = record.read(folder)
    found.purpose = "Another."
    (folder / "record.json").write_bytes(record.encode(found))
    syncing.sync([folder])
    assert source.pulled("mlflow") == place.parent
    assert record.read(place).purpose == "Another."


def test_what_somebody_else_recorded_is_read_and_never_added_to(tmp_path: Path) -> None:
    folder = sent()
    place = source.pulled("mlflow") / folder.name
    shutil.rmtree(folder)
    modes = {path.stat().st_mode & 0o222 for path in (place, *place.rglob("*"))}
    assert modes == {0}
    with pytest.raises(Refusal, match=f"{folder.name} was recorded by somebody else") as refused:
        choice.select(folder.name[:20])
    assert "python train.py conf=net" in refused.value.fix
    with pytest.raises(Refusal, match="there is no run 1999"):
        choice.select("1999")


def test_openings_are_the_union_of_everybodys(tmp_path: Path) -> None:
    """Two people opened test twice each; one run of ours was never sent, one was sent and is among the pulled ones."""
    ours, theirs = sent("a"), sent("b")
    source.pulled("mlflow")
    shutil.rmtree(theirs)
    mine, unsent = record.read(ours), full("c", second=30)
    (RUNS / unsent.run_id).mkdir()
    (RUNS / unsent.run_id / "record.json").write_bytes(record.encode(unsent))
    (RUNS / "20261120-140000-broken").mkdir()
    (RUNS / "20261120-140000-broken" / "record.json").write_text("{")
    assert len(ledger.openings("test", [mine])) == 3
    assert len(ledger.openings("test", [mine, unsent])) == 3
    assert ledger.openings("val", [mine]) == []
    shutil.rmtree(pulling.PULLED)
    assert len(ledger.openings("test", [mine, unsent])) == 2


@pytest.mark.parametrize(
    "name", ["record.json", "config.yaml", "predictions/val.parquet", "diagnostics/pictures-val.npz"]
)
def test_an_altered_file_is_not_taken_and_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    good, changed = sent("a"), sent("b")
    path = artifact(changed, name)
    path.write_bytes(path.read_bytes() + b"\n")
    place = source.pulled("mlflow")
    assert [path.name for path in place.iterdir()] == [good.name]
    assert f"NOT TAKEN  {changed.name}: {name} is not the one that was sent" in capsys.readouterr().out


def test_a_plan_comes_back_as_it_was_sent_last() -> None:
    folder = planned()
    place = source.pulled("mlflow") / plans.FOLDER / folder.name
    assert (place / plans.NAME).read_bytes() == (folder / plans.NAME).read_bytes()
    assert syncing.sync([folder]).already == [folder.name]
    later = plans.read(folder)
    later.commit = "beef"
    (folder / plans.NAME).write_bytes(plans.encode(later))
    assert syncing.sync([folder]).sent == [folder.name]
    assert source.pulled("mlflow") == place.parent.parent
    assert plans.read(place).commit == "beef"
    with pytest.raises(Refusal, match="there is no run plans"):
        choice.select("plans")  # it is no run that somebody recorded


def test_what_the_server_no_longer_has_is_put_aside_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    kept, gone, plan = sent("a"), sent("b"), planned()
    place, there = source.pulled("mlflow"), tracking.Store()
    for folder in (gone, plan):
        is_plan = folder is plan
        run = there.plan(plans.read(folder)) if is_plan else there.view(folder, record.read(folder)).run
        there.client.delete_run(run.info.run_id)
    for _ in range(2):
        assert source.pulled("mlflow") == place
        assert [path.name for path in place.glob("2*")] == [kept.name]
        assert plans.folders(place) == []
        shutil.rmtree(gone, ignore_errors=True)
        assert len(ledger.openings("test", [record.read(kept)])) == 2, "it looked at test all the same"
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if "WITHDRAWN" in line] == [
        f"  WITHDRAWN  {name}: the server no longer has it; receipts sync sends it again, where it was made"
        for name in (gone.name, plan.name)
    ]
    assert sent("b") == gone
    assert source.pulled("mlflow") == place
    assert sorted(path.name for path in place.glob("2*")) == [kept.name, gone.name]
    there.client.delete_run(there.view(gone, record.read(gone)).id)
    assert source.pulled("mlflow") == place
    assert [path.name for path in place.glob("2*")] == [kept.name]


def other_bytes(path: Path) -> str:
    path.write_bytes(path.read_bytes() + b"\n")
    return "plan.json is not the one that was sent"


def other_fields(path: Path) -> str:
    return stated(path, path.read_bytes().replace(b'"shared"', b'"__class__"'), "is not a readable plan")


def other_plan(path: Path) -> str:
    return stated(path, path.read_bytes().replace(b"-net-abcdef01", b"-net-abcdef02"), "is the plan 2")


def stated(path: Path, data: bytes, reason: str) -> str:
    """Bytes of a server's owner, who states their hash as well."""
    path.write_bytes(data)
    there = tracking.Store()
    (run,) = there.client.search_runs([there.experiment])
    there.client.set_tag(run.info.run_id, tracking.SENT, hashlib.sha256(data).hexdigest())
    return reason


@pytest.mark.parametrize("change", [other_bytes, other_fields, other_plan])
def test_a_plan_that_is_not_the_one_that_was_sent_is_not_taken(change: Callable[[Path], str], tmp_path: Path) -> None:
    folder = planned()
    reason = change(artifact(folder, plans.NAME))
    done = pulling.pull(tmp_path / "cache")
    assert done.plans == []
    assert reason in done.refused[folder.name]
    assert not list(done.folder.rglob(plans.NAME))


def test_a_plan_with_a_secret_stays_here() -> None:
    folder = planned()
    plan = plans.read(folder)
    plan.command += " note=ghp_" + "a1B2" * 10
    (folder / plans.NAME).write_bytes(plans.encode(plan))
    assert syncing.sync([folder]).failed == {folder.name: f"{folder.name} is not sent"}
    with pytest.raises(Refusal, match="MLflow still lacks 1 of them"):
        cli.sync(Namespace())


def test_an_altered_metric_is_named_and_the_record_counts(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sent()
    there = tracking.Store()
    view = there.view(folder, record.read(folder))
    there.client.log_metric(view.id, "val/accuracy", 0.99, step=5)
    place = source.pulled("mlflow")
    assert "val/accuracy is 0.99, the record says 0.9" in capsys.readouterr().out
    found = record.read(place / folder.name).score("val")
    assert found is not None
    assert found.metrics["accuracy"].value == 0.9


def test_no_name_from_the_server_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder, there = sent("a"), tracking.Store()
    hostile = artifact(folder, "record.json")
    altered = hostile.read_bytes().replace(b"predictions/val.parquet", b"predictions/../../../escaped.parquet")
    hostile.write_bytes(altered)
    view = there.view(folder, record.read(folder))
    there.client.set_tag(view.id, tracking.SENT, hashlib.sha256(altered).hexdigest())
    client, experiment = there.client, there.experiment
    for run_id in ("../../escaped", "/tmp/escaped", ".hidden", ""):
        client.create_run(experiment, tags={tracking.RUN_ID: run_id, tracking.SENT: "ab"})
        client.create_run(experiment, tags={tracking.PLAN: run_id, tracking.SENT: "ab"})
    client.create_run(experiment, tags={"made": "by hand"})  # not ours at all
    done = pulling.pull(tmp_path / "cache")
    assert done.taken == []
    assert {reason.partition(":")[0] for reason in done.refused.values()} >= {"'' is no run id"}
    assert folder.name in done.refused
    assert list(done.folder.iterdir()) == []
    assert not list(tmp_path.glob("**/escaped*"))


def test_a_run_that_is_under_way_is_left_where_it_is(tmp_path: Path) -> None:
    folder = sent()
    there = tracking.Store()
    there.client.delete_tag(there.view(folder, record.read(folder)).id, tracking.SENT)
    (reason,) = pulling.pull(tmp_path / "cache").refused.values()
    assert reason.startswith("it was not sent in full")


def test_a_store_that_is_away_and_a_source_that_nobody_knows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source.pulled("runs") == RUNS
    with pytest.raises(Refusal, match="source=wandb"):
        source.pulled("wandb")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(Refusal, match="cannot be read"):
        source.pulled("mlflow")
