"""Journeys through the entry scripts and the `receipts` command, in the small project."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from folders import commit, git, record, runs, table, write
from launching import Ended, begin, ended, launch, streams

import receipts

Run = Callable[..., Ended]

SPY = """
from pathlib import Path

class Fitted:
    def fit(self, x, y):
        Path("fitted").write_text(f"{len(x)} {len(y)}")
        self.mean, self.std = x.mean(0), x.std(0)

    def __call__(self, x):
        return (x - self.mean) / self.std

class Seen:
    def __call__(self, x, y, generator):
        with open("augmented", "a") as file:
            file.write(f"{type(generator).__name__} {len(x)} {len(y)}\\n")
        return x, y
"""


@pytest.fixture(scope="module")
def trained(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A project with one run of the network in it, and what that run said."""
    folder = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(template, folder)
    done = launch(folder, "train.py", "conf=net")
    assert done.code == 0, done.err
    assert done.err == ""
    return folder, done


@pytest.fixture
def project(trained: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    folder = tmp_path / "project"
    shutil.copytree(trained[0], folder)
    return folder


def numbers(done: Ended) -> list[str]:
    """The lines with a split's metrics."""
    return [line for line in done.out.splitlines() if re.match(r"  (train|val|test) ", line)]


def variant(folder: Path, name: str, code: str, metric: str = "accuracy") -> None:
    """An experiment of a class that inherits from the network and changes what `code` says."""
    write(folder, f"src/lab/{name}.py", f"from lab.net import *\n\nclass Changed(Net):\n{code}")
    text = f"purpose: A test.\nseed: 0\nmodel: {{_target_: lab.{name}.Changed, features: 64, outputs: 10, hidden: 8, "
    text += f"dropout: 0.0, lr: 0.01}}\nfit: {{epochs: 1, batch_size: 64, select: {{metric: {metric}}}}}\n"
    write(folder, f"conf/{name}.yaml", text)
    commit(folder)


# --- what a run leaves -----------------------------------------------------------------------------------------------


def test_a_run_says_what_it_does_and_what_to_do_next(trained: tuple[Path, Ended]) -> None:
    folder, done = trained
    (run,) = runs(folder)
    for sentence in (
        f"run {run.name}\n",
        "  purpose  Does a two-layer network learn anything at all?",
        "  method   lab.net.Net, 1,242 parameters on cpu, 1 thread",
        "  data     1078 train, 359 val rows of digits (real)",
        "  batch    64 samples an optimizer step, all in one process",
        "epoch 1/2 step 1/34 loss ",
        f"run {run.name}  completed\n",
        f"  next  python eval.py run_id={run.name}",
    ):
        assert sentence in done.out
    assert "differs" not in done.out
    assert re.fullmatch(r"\d{8}-\d{6}-net-s0-[0-9a-f]{8}", run.name)


def test_a_run_folder_holds_all_that_the_readme_names(trained: tuple[Path, Ended]) -> None:
    (run,) = runs(trained[0])
    assert {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()} == {
        *("README.md", "record.json", "metrics.json", "config.yaml", "environment.json", "train.log", "history.csv"),
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt", "predictions/val.parquet", "predictions/val.csv"),
        *("per_class.csv", "groups/README.md", "groups/_index.csv", "groups/val/_index.csv"),
        *(f"groups/val/class-{label}/{file}" for label in range(10) for file in ("metrics.json", "predictions.csv")),
        *(f"diagnostics/val/{name}.csv" for name in ("outliers", "value_ranges", "actual_predicted")),
    }
    found = record(trained[0])
    assert json.loads((run / "metrics.json").read_text()) == {
        "run_id": run.name,
        "status": "completed",
        "reportable": True,
        "metrics": {"val": {name: metric["value"] for name, metric in found["scores"][0]["metrics"].items()}},
    }
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["outputs"] == 10
    assert config["fit"]["select"]["metric"] == "accuracy"
    environment = json.loads((run / "environment.json").read_text())
    assert {"system", "python", "packages", "lock", "cpu", "gpu", "threads", "backend", "variables"} <= set(environment)
    assert environment["backend"]["backends.cudnn.deterministic"] is True


def test_the_log_has_every_step_and_the_history_every_epoch(trained: tuple[Path, Ended]) -> None:
    (run,) = runs(trained[0])
    steps = re.findall(
        r"step (\d+)/34 loss [\d.]+ lr 1.00e-02 [\d.]+ s/step elapsed \d:\d\d ETA \d:\d\d\n",
        (run / "train.log").read_text(),
    )
    assert steps == [str(step) for step in range(1, 35)]
    rows = table(run / "history.csv")
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "17"), ("2", "34")]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert all(float(rows[1][name]) > 0 for name in ("learning_rate", "gradient_norm", "samples_per_second"))
    best = max(float(row["val/accuracy"]) for row in rows)
    assert best == record(trained[0])["scores"][0]["metrics"]["accuracy"]["value"]


def test_the_readme_of_a_run_tells_a_stranger_what_the_numbers_mean(trained: tuple[Path, Ended]) -> None:
    (run,) = runs(trained[0])
    text = (run / "README.md").read_text()
    accuracy = record(trained[0])["scores"][0]["metrics"]["accuracy"]
    for part in (
        "**Does a two-layer network learn anything at all?**",
        "its numbers may be reported",
        "UCI optdigits, test part, version 1998-07, real, CC BY 4.0",
        "max val accuracy, epoch 2",
        "`python train.py conf=net`",
        f"| accuracy ↑ | {accuracy['value']:.4f} |",
        "| nll ↓ |",
        "Where to look next",
    ):
        assert part in text
    assert launch(trained[0], "receipts", "show", run.name).out == text


def test_the_record_names_everything_that_a_number_rests_on(trained: tuple[Path, Ended]) -> None:
    folder, _ = trained
    found = record(folder)
    commit_now = git(folder, "rev-parse", "HEAD").strip()
    assert (found["conf"], found["names"], found["overrides"], found["preset"]) == ("net", ["net"], [], ["full"])
    assert (found["status"], found["reportable"], found["blocked_by"]) == ("completed", True, [])
    assert found["command"] == "python train.py conf=net"
    assert found["code"]["commit"] == commit_now
    assert found["code"]["dirty"] == []
    assert set(found["code"]["lab"]) == {f"src/lab/{name}.py" for name in ("__init__", "data", "net")}
    assert found["data"]["files"] == {"data/digits.csv.gz": "md5:9b335364a7bfd63947c7480a5bd51f2d"}
    assert found["data"]["dvc"] in (folder / "data.dvc").read_text()
    assert all(re.fullmatch("[0-9a-f]{64}", part) for part in found["identity"].values())
    assert len(set(found["identity"].values())) == 6
    assert found["world"]["deterministic"] is True
    assert found["world"]["nondeterministic_ops"] == []
    assert found["world"]["global_batch"] == 64
    assert (found["checkpoint"]["epoch"], found["checkpoint"]["rule"]) == (2, "max val accuracy")
    assert all(found["cost"][name] > 0 for name in ("wall_s", "cpu_s", "peak_mib", "parameters", "ms_per_sample"))
    assert {check["verdict"] for check in found["checks"]} <= {"pass", "not applicable"}
    assert found["openings"] == []
    assert found["scores"][0]["n"] == 359


def test_predictions_are_stored_for_code_and_for_eyes(trained: tuple[Path, Ended]) -> None:
    from receipts.evaluation.storage import read

    (run,) = runs(trained[0])
    whole = read(run / "predictions/val.parquet")
    rows = table(run / "predictions/val.csv")
    assert {row["sample_id"] for row in rows} == set(whole.ids)
    assert [float(row["error"]) for row in rows] == sorted((float(row["error"]) for row in rows), reverse=True)
    assert float(rows[0]["error"]) > 0.5


# --- done once, or again ---------------------------------------------------------------------------------------------


def test_a_finished_identity_is_shown_and_nothing_runs(project: Path, run: Run, trained: tuple[Path, Ended]) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("runs/2*/*")}
    again = run("train.py", "conf=net")
    assert (again.code, again.err) == (0, "")
    assert numbers(again) == numbers(trained[1])
    assert "epoch" not in again.out
    assert {path: path.stat().st_mtime_ns for path in project.rglob("runs/2*/*")} == before
    assert run("train.py", "conf=net.yaml", "model.hidden=16", "seed=0").out == again.out
    assert run("train.py", "trainer=cpu").out == again.out


def test_a_rerun_is_a_new_run_with_the_same_bits(project: Path, run: Run) -> None:
    assert run("train.py", "conf=net", "rerun=true").code == 0
    first, second = record(project, 1), record(project, 0)
    assert first["run_id"] != second["run_id"]
    assert first["identity"] == second["identity"]
    assert first["checkpoint"] == second["checkpoint"]
    assert first["scores"][0]["sha256"] == second["scores"][0]["sha256"]


def test_two_names_of_the_same_values_are_one_run(project: Path, run: Run) -> None:
    twin = run("train.py", "conf=twin")
    assert twin.code == 0
    assert "epoch" not in twin.out
    assert record(project)["names"] == ["net", "twin"]
    assert len(runs(project)) == 1
    assert run("eval.py", "run_id=latest:twin").code == 0


def test_a_variant_is_a_run_of_its_own(project: Path, run: Run) -> None:
    assert run("train.py", "conf=wider", "fit.epochs=1").code == 0
    found = record(project)
    assert found["purpose"] == "Is the network too narrow?"
    assert found["overrides"] == ["fit.epochs=1"]
    assert found["cost"]["parameters"] == 64 * 32 + 32 + 2 * 32 + 32 * 10 + 10


def test_only_plain_runs_are_the_latest_of_an_experiment(project: Path, run: Run) -> None:
    plain = runs(project)[0].name
    smoke = run("train.py", "conf=net", "preset=smoke")
    assert smoke.code == 0
    assert "  differs  limit.rows=200      (from conf/net.yaml)" in smoke.out
    assert "200 train, 200 val rows" in smoke.out
    found = record(project)
    assert (found["preset"], found["limit"]) == (["smoke"], {"rows": 200, "epochs": 1})
    assert (found["reportable"], found["blocked_by"]) == (False, ["limit: rows 200, epochs 1"])
    assert run("train.py", "conf=net", "fit.epochs=1", "seed=3").code == 0
    assert record(project)["reportable"] is True
    assert f"run {plain} " in run("eval.py", "run_id=latest:net").out
    assert f"run {runs(project)[0].name} " in run("eval.py", "run_id=latest", "split=val").out


# --- the test split --------------------------------------------------------------------------------------------------


def test_the_test_split_is_opened_once_and_counted(project: Path, run: Run) -> None:
    name = runs(project)[0].name
    first = run("eval.py", f"run_id={name}")
    assert (first.code, first.err) == (0, "")
    assert len(numbers(first)) == 2
    assert f"  next  less runs/{name}/README.md" in first.out
    found = record(project)
    (opening,) = found["openings"]
    assert (opening["split"], opening["by"]) == ("test", "eval.py")
    assert opening["commit"] == git(project, "rev-parse", "HEAD").strip()
    assert (project / "runs" / name / "predictions/test.csv").is_file()
    assert "| test opened | 1 time |" in (project / "runs" / name / "README.md").read_text()

    for wanted in (name, name[:20], "latest", "latest:net", name[:8]):
        again = run("eval.py", f"run_id={wanted}")
        assert (again.code, again.out) == (0, first.out)
    assert record(project) == found


def test_scoring_val_again_opens_nothing(project: Path, run: Run) -> None:
    done = run("eval.py", "run_id=latest", "split=val")
    assert (done.code, len(numbers(done))) == (0, 1)
    found = record(project)
    assert found["openings"] == []
    assert [score["split"] for score in found["scores"]] == ["val", "val"]
    assert found["scores"][0]["metrics"] == found["scores"][1]["metrics"]
    assert found["scores"][0]["sha256"] == found["scores"][1]["sha256"]


def test_eval_asks_the_run_and_not_the_command_line(project: Path, run: Run) -> None:
    write(project, "conf/net.yaml", (project / "conf/net.yaml").read_text().replace("hidden: 16", "hidden: 8"))
    assert run("eval.py", "run_id=latest").code == 0
    refused = run("eval.py", "run_id=latest", "model.hidden=8")
    assert refused.code == 3
    assert "unknown key 'model" in refused.err


# --- several at once -------------------------------------------------------------------------------------------------


def test_a_refused_job_leaves_the_others_running(project: Path, run: Run) -> None:
    done = run("train.py", "-m", "conf=net,linear", "seed=0,1", "fit.epochs=1")
    assert done.code == 3
    assert [line for line in done.out.splitlines() if line.startswith("job ")] == [
        f"job {number}: conf={conf} seed={seed} fit.epochs=1"
        for number, (conf, seed) in enumerate([("net", 0), ("net", 1), ("linear", 0), ("linear", 1)], 1)
    ]
    assert done.err.count("REFUSED  fit.epochs means nothing to sklearn.pipeline.Pipeline") == 2
    assert [record(project, number)["seed"] for number in (0, 1)] == [1, 0]
    assert len(runs(project)) == 3


def test_a_misspelt_job_stops_a_sweep_before_its_first_run(project: Path, run: Run) -> None:
    for words in (["conf=net,nett"], ["seed=4,five"], ["seed=4", "fit.epochs=1,x"], ["seed=4", "model.width=1,2"]):
        refused = run("train.py", "-m", *words)
        assert refused.code == 3, words
        assert "REFUSED" in refused.err
        assert "job" not in refused.out
    assert len(runs(project)) == 1


# --- regression, transforms, augmentation, logs of one's own ---------------------------------------------------------


def test_regression_by_an_estimator(project: Path, run: Run) -> None:
    assert run("train.py", "conf=ridge").code == 0
    done = run("eval.py", "run_id=latest:ridge")
    assert (done.code, done.err) == (0, "")
    found = record(project)
    assert list(found["scores"][1]["metrics"]) == ["mae", "rmse", "r2", "spearman"]
    assert found["checkpoint"]["file"] == "checkpoints/estimator.skops"
    assert found["parameters"]["alpha"] == 1.0
    assert found["data"]["manifest"] == "splits/diabetes.json"


def test_an_estimator_made_of_trees_is_stored_and_read_again(project: Path, run: Run) -> None:
    model = "model: {_target_: sklearn.ensemble.RandomForestClassifier, n_estimators: 5}"
    write(project, "conf/forest.yaml", f"purpose: Do trees come back?\nseed: 0\n{model}\n")
    commit(project)
    for words in (["conf=forest"], ["conf=forest", "rerun=true"], ["conf=forest", "seed=1"]):
        assert run("train.py", *words).code == 0
    other, again, first = (record(project, number) for number in range(3))
    assert first["checkpoint"] == again["checkpoint"] != other["checkpoint"]
    assert first["scores"][0]["sha256"] == again["scores"][0]["sha256"] != other["scores"][0]["sha256"]
    assert isinstance(first["parameters"]["random_state"], int)
    assert run("eval.py", "run_id=latest:forest").code == 0


def test_transforms_learn_from_train_rows_and_augmentation_meets_no_others(project: Path, run: Run) -> None:
    write(project, "src/lab/spy.py", SPY)
    extra = "transforms: [{_target_: lab.spy.Fitted}]\naugment: [{_target_: lab.spy.Seen}]\n"
    text = (project / "conf/regressor.yaml").read_text()
    (project / "conf/regressor.yaml").write_text(re.sub(r"transforms:\n.*\n", extra, text))
    commit(project)
    assert run("train.py", "conf=regressor", "sentinels=off").code == 0
    assert (project / "fitted").read_text() == "265 265"
    batches = ["Generator 32 32"] * 8 + ["Generator 9 9"]
    assert (project / "augmented").read_text().splitlines() == batches * 2
    assert "src/lab/spy.py" in record(project)["code"]["lab"]

    assert run("eval.py", "run_id=latest").code == 0
    assert (project / "fitted").read_text() == "265 265"
    assert len((project / "augmented").read_text().splitlines()) == 18
    assert record(project)["scores"][1]["metrics"]["r2"]["value"] > 0


def test_a_modules_own_validation_keeps_running_under_a_name_of_its_own(project: Path, run: Run) -> None:
    code = """
    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        assert not self.training
        self.log("val/loss", functional.cross_entropy(self(x), y))
    """
    variant(project, "own", code, metric="nll")
    done = run("train.py", "conf=own", "fit.epochs=2")
    assert done.code == 0, done.err
    rows = table(runs(project)[0] / "history.csv")
    assert [abs(float(row["module/val/loss"]) - float(row["val/nll"])) < 1e-5 for row in rows] == [True, True]
    assert float(rows[1]["module/train_loss_epoch"]) > 0
    assert record(project)["checkpoint"]["rule"] == "min val nll"
    assert set(record(project)["scores"][0]["metrics"]) >= {"accuracy", "nll"}


# --- methods that claim to have no randomness ------------------------------------------------------------------------


def test_a_deterministic_method_is_one_run_whatever_the_seed(project: Path, run: Run) -> None:
    assert run("train.py", "conf=linear").code == 0
    other = run("train.py", "conf=linear", "seed=1")
    assert other.code == 0
    assert f"run {runs(project)[0].name}  completed" in other.out
    assert len(runs(project)) == 2


@pytest.mark.parametrize("kind", ["estimator", "module"])
def test_a_false_claim_of_determinism_fails_the_run(kind: str, project: Path, run: Run) -> None:
    forest = "model: {_target_: sklearn.ensemble.RandomForestClassifier, n_estimators: 3}"
    head = "purpose: A false claim.\nseed: 0\nfacts: {deterministic: true}\n"
    net = "defaults: [net]\n"
    write(project, "conf/claim.yaml", f"{head}{forest}\n" if kind == "estimator" else net + head)
    commit(project)
    done = run("train.py", "conf=claim")
    assert done.code == 4, done.err
    assert "FAILED  the method is declared deterministic and is not" in done.err
    assert "Traceback" not in done.err
    found = record(project)
    assert found["status"] == "failed"
    assert "declared deterministic" in found["failure"]["reason"]


# --- what went wrong before ------------------------------------------------------------------------------------------


def test_a_failed_run_shows_its_reason_until_it_is_tried_again(project: Path, run: Run) -> None:
    code = """
    def on_train_epoch_start(self):
        from pathlib import Path
        if Path("broken").exists():
            raise RuntimeError("the disk is on fire")
    """
    variant(project, "fragile", code)
    (project / "broken").touch()
    first = run("train.py", "conf=fragile")
    assert first.code == 1
    assert "Traceback" in first.err
    found = record(project)
    assert (found["status"], found["failure"]["reason"]) == ("failed", "RuntimeError: the disk is on fire")
    assert any("on_train_epoch_start" in line for line in found["failure"]["log_tail"])
    assert "This run **failed**: RuntimeError" in (runs(project)[0] / "README.md").read_text()

    (project / "broken").unlink()
    second = run("train.py", "conf=fragile")
    assert second.code == 3
    assert "RuntimeError: the disk is on fire" in second.err
    assert "retry=true" in second.err
    assert len(runs(project)) == 2
    assert run("train.py", "conf=fragile", "retry=true").code == 0
    assert [record(project, number)["status"] for number in (0, 1)] == ["completed", "failed"]
    assert "epoch" not in run("train.py", "conf=fragile").out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_stopped_run_is_stale_and_goes_on(project: Path, run: Run, number: signal.Signals, code: int) -> None:
    words = ("conf=net", "fit.epochs=100000")
    process = begin(project, "train.py", *words)
    said = streams(project, process.pid or 0, "out")
    wait_for(lambda: said.exists() and "epoch 2/" in said.read_text())
    busy = run("train.py", *words)
    assert busy.code == 3
    assert f"REFUSED  {runs(project)[0].name} is running" in busy.err

    os.kill(process.pid or 0, number)
    process.join(30)
    done = ended(project, process)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert record(project)["status"] == "running"
    assert re.search(rf"{runs(project)[0].name}\s+stale", run("receipts", "ls").out)
    assert run("eval.py", f"run_id={runs(project)[0].name}").code == 3

    again = begin(project, "train.py", *words)
    said = streams(project, again.pid or 0, "out")
    if number == signal.SIGKILL:  # too early for a point to go on from
        wait_for(lambda: len(runs(project)) == 3)
    else:
        wait_for(lambda: said.exists() and "goes on  from training step" in said.read_text())
        assert len(runs(project)) == 2
    again.kill()
    again.join(30)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something has happened."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


# --- uncommitted changes ---------------------------------------------------------------------------------------------


def test_a_dirty_full_run_needs_permission_and_keeps_the_difference(project: Path, run: Run, tmp_path: Path) -> None:
    write(project, "conf/net.yaml", (project / "conf/net.yaml").read_text().replace("hidden: 16", "hidden: 8"))
    write(project, "src/lab/ünused file.py", "NOTHING = None\n")
    (project / "conf/wider.yaml").unlink()
    refused = run("train.py", "conf=net")
    assert refused.code == 3
    assert "REFUSED  the work tree differs from the commit" in refused.err
    assert all(name in refused.err for name in ("conf/net.yaml", "conf/wider.yaml", "allow_dirty=true"))
    assert len(runs(project)) == 1

    assert run("train.py", "conf=net", "preset=smoke").code == 0
    assert run("train.py", "conf=net", "allow_dirty=true").code == 0
    found = record(project)
    assert found["reportable"] is False
    assert found["code"]["dirty"] == ["conf/net.yaml", "conf/wider.yaml", "src/lab/ünused file.py"]
    assert found["blocked_by"] == ["dirty: 3 files differ from the commit"]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    git(clone, "apply", str(runs(project)[0] / "code.patch"))
    for folder in ("conf", "src/lab"):
        ours, theirs = ({p.name: p.read_text() for p in (at / folder).glob("*.*")} for at in (project, clone))
        assert ours == theirs


def test_reports_and_results_are_no_dirt(project: Path, run: Run) -> None:
    for name in ("README.md", "EXPERIMENTS.md", "dvc.lock", "results/net.json", "report/index.html", "notes/x.md"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("changed\n")
    done = run("train.py", "conf=net", "fit.epochs=1")
    assert done.code == 0
    assert record(project)["code"]["dirty"] == []
    assert record(project)["reportable"] is True


# --- reading runs ----------------------------------------------------------------------------------------------------


def test_runs_are_listed(project: Path, run: Run) -> None:
    assert run("train.py", "conf=linear", "preset=smoke").code == 0
    listed = run("receipts", "ls").out.splitlines()
    assert listed[0].split() == ["run", "state", "preset", "val", "test", "why", "not", "reportable"]
    assert [line.split()[0] for line in listed[1:]] == [path.name for path in runs(project)]
    assert "limit: rows 200, epochs 1" in listed[1]
    assert [line.split()[0] for line in run("receipts", "ls", "net").out.splitlines()[1:]] == [runs(project)[1].name]


def test_a_run_is_loaded_in_a_notebook(project: Path, run: Run) -> None:
    look = """
    import numpy as np
    import receipts, torch
    from receipts import Refusal

    run = receipts.load("latest:net")
    stored = run.predictions("val")
    assert run.record.run_id == "{run_id}"
    assert run.config.model["hidden"] == 16 and run.config.fit.epochs == 2
    model, data = run.model(), receipts.build(run.config.data, "data")
    assert not model.training
    rows = [data.ids.index(name) for name in stored.ids]
    with torch.no_grad():
        again = model.predict_step(torch.as_tensor(data.inputs[rows]), 0)
    assert np.allclose(again.numpy(), stored.probabilities, atol=1e-6)
    assert (stored.targets == data.targets[rows]).all()
    try:
        run.predictions("test")
    except Refusal as problem:
        assert problem.fix == "python eval.py run_id={run_id} split=test"
    else:
        raise AssertionError
    """
    write(project, "look.py", look.replace("{run_id}", runs(project)[0].name))
    done = run("look.py")
    assert done.code == 0, done.err


def test_a_tracked_run_is_seen_in_mlflow(project: Path, run: Run) -> None:
    done = run("train.py", "conf=net", "preset=smoke", tracked=True)
    assert (done.code, done.err) == (0, "")
    assert "WARNING" not in done.out
    found = record(project)
    with closing(sqlite3.connect(project / "mlflow.db")) as store:
        ((run_uuid, status),) = store.execute("SELECT run_uuid, status FROM runs").fetchall()
        tags = dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run_uuid]))
        parameters = dict(store.execute("SELECT key, value FROM params WHERE run_uuid = ?", [run_uuid]))
        metrics = dict(store.execute("SELECT key, value FROM latest_metrics WHERE run_uuid = ?", [run_uuid]))
    assert status == "FINISHED"
    assert tags["receipts.run_id"] == found["run_id"]
    assert tags["receipts.identity"] == found["identity"]["id"]
    assert tags["receipts.commit"] == tags["mlflow.source.git.commit"] == found["code"]["commit"]
    assert tags["receipts.dirty"] == "false"
    assert tags["receipts.data_dvc"] == found["data"]["dvc"]
    for key in ("data", "split"):
        assert tags[f"receipts.{key}"] == found["identity"][key]
    assert tags["receipts.harness"] == found["code"]["harness"]
    assert parameters["model.hidden"] == "16"
    assert metrics["val/accuracy"] == found["scores"][0]["metrics"]["accuracy"]["value"]
    assert list((project / "mlruns").rglob("predictions/val.parquet"))

    first = run("receipts", "sync")
    assert (first.code, first.out) == (0, "sent 1, already there 1, running 0, failed 0\n"), first.err
    assert run("receipts", "sync").out == "sent 0, already there 2, running 0, failed 0\n"


# --- real processes, for what a fork cannot show ---------------------------------------------------------------------


WITNESS = """
import atexit, runpy, sys
heavy = {"torch", "numpy", "pandas", "mlflow", "lightning", "sklearn", "pyarrow"}
atexit.register(lambda: print("heavy:", sorted(heavy & sys.modules.keys()), file=sys.stderr))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def python(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A real Python in the project, with warnings as errors and the core that the tests run."""
    core = Path(receipts.__file__).parents[1]
    paths = {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{core}", **environment}
    command = [sys.executable, "-W", "error", *words]
    return subprocess.run(command, cwd=folder, env=os.environ | paths, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["train.py", "conf=net"], 0, "  completed"),
        (["train.py", "conf=net", "fit.epochs=nine"], 3, "REFUSED  fit.epochs cannot take that value"),
        (["eval.py", "run_id=nothing"], 3, "REFUSED  there is no run nothing"),
        (["train.py", "--help"], 0, "conf="),
        (["train.py", "--cfg", "job"], 0, "hidden: 16\n"),
    ],
)
def test_what_computes_nothing_imports_nothing_heavy(
    trained: tuple[Path, Ended], words: list[str], code: int, said: str
) -> None:
    done = python(trained[0], "-c", WITNESS, *words)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "heavy: []" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(runs(trained[0])) == 1


def test_words_are_completed(trained: tuple[Path, Ended]) -> None:
    line = "python train.py conf="
    done = python(trained[0], "train.py", "-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert done.returncode == 0, done.stderr
    assert {"conf=net", "conf=linear", "conf=wider"} <= set(done.stdout.split())
