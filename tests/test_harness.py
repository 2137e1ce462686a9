"""Journeys through what is made of predictions: own metrics, ordered classes, rescoring, comparing, clearing away."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from folders import commit, record, runs, write
from launching import Ended, launch

Run = Callable[..., Ended]

TOP2 = """
import numpy as np

def top2(probabilities, target):
    \"\"\"Share of samples whose true class is among the two most probable ones.\"\"\"
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return (ranked == target[:, None]).any(axis=1).mean()

def official(prediction, target):
    return (prediction == target).mean()
"""
OWN = """
defaults: [linear]
purpose: How often is the truth among the first two?
metrics:
  - function: lab.scores.top2
    better: higher
    range: [0, 1]
    example: {probabilities: [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], target: [1, 2], value: 0.5}
  - function: lab.scores.official
    better: higher
    range: [0, 1]
    example: {prediction: [1, 0], target: [1, 1], value: 0.5}
    second_of: accuracy
"""


@pytest.fixture(scope="module")
def trained(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which a linear model and a metric of one's own have been run."""
    folder = tmp_path_factory.mktemp("harness") / "project"
    shutil.copytree(template, folder)
    write(folder, "src/lab/scores.py", TOP2)
    write(folder, "conf/own.yaml", OWN)
    commit(folder)
    for words in (("train.py", "conf=linear"), ("train.py", "conf=own", "model.steps.1.1.C=0.001")):
        done = launch(folder, *words)
        assert (done.code, done.err) == (0, "")
    return folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    return folder


# --- metrics of one's own ---------------------------------------------------------------------------------------------


def test_a_metric_of_ones_own_stands_beside_ours_with_its_hash(trained: Path) -> None:
    found = record(trained)
    score = found["scores"][0]
    assert list(score["metrics"])[-2:] == ["top2", "official"]
    top2, accuracy = score["metrics"]["top2"], score["metrics"]["accuracy"]
    assert accuracy["value"] < top2["value"] <= 1
    assert top2["definition"] == "Share of samples whose true class is among the two most probable ones."
    assert score["metrics"]["official"]["second"] == accuracy["value"]
    assert set(score["own"]) == {"top2", "official"}
    verdicts = {check["code"]: check["verdict"] for check in found["checks"]}
    assert (verdicts["val-own-top2"], verdicts["val-own-official"]) == ("pass", "pass")
    sources = (trained / "src/lab/scores.py").read_bytes()
    assert found["code"]["lab"]["src/lab/scores.py"] == hashlib.sha256(sources).hexdigest()
    text = (runs(trained)[0] / "README.md").read_text()
    assert f"`top2` is the researcher's own metric, source `{score['own']['top2'][:12]}`" in text
    assert json.loads((runs(trained)[0] / "metrics.json").read_text())["metrics"]["val"]["top2"] == top2["value"]


def test_a_changed_metric_makes_another_run(project: Path, run: Run) -> None:
    words = ("train.py", "conf=own", "model.steps.1.1.C=0.001")
    assert run(*words).code == 0
    assert len(runs(project)) == 2
    write(project, "src/lab/scores.py", TOP2 + "\n# one more line\n")
    commit(project)
    assert run(*words).code == 0
    assert len(runs(project)) == 3
    assert record(project, 0)["identity"]["config"] == record(project, 1)["identity"]["config"]
    assert record(project, 0)["scores"][0]["own"] != record(project, 1)["scores"][0]["own"]


def test_a_worked_example_that_fails_costs_nothing(project: Path, run: Run) -> None:
    write(project, "conf/own.yaml", OWN.replace("value: 0.5}\n  - function", "value: 1.0}\n  - function"))
    commit(project)
    refused = run("train.py", "conf=own")
    assert (refused.code, refused.out) == (3, "")
    assert "REFUSED  the worked example of lab.scores.top2 fails" in refused.err
    assert "metrics[0].example says 1.0, and it returned 0.5" in refused.err
    assert "Traceback" not in refused.err
    assert len(runs(project)) == 2


def test_a_second_implementation_that_differs_keeps_the_number_out_of_a_paper(project: Path, run: Run) -> None:
    other = "    return (prediction == target).mean() if len(target) < 9 else 0.25\n"
    write(project, "src/lab/scores.py", TOP2.replace("    return (prediction == target).mean()\n", other))
    commit(project)
    done = run("train.py", "conf=own")
    assert done.code == 4, done.err
    found = record(project)
    assert (found["status"], found["reportable"]) == ("completed", False)
    assert found["blocked_by"] == ["check failed: val-own-official"]
    assert "CHECK FAILED  val-own-official: lab.scores.official is 0.25 and the harness's accuracy" in done.out


def test_a_metric_of_ones_own_is_never_selected_on(run: Run) -> None:
    for key in ("task.primary", "fit.select.metric"):
        refused = run("train.py", "conf=own", f"{key}=top2")
        assert refused.code == 3
        assert f"REFUSED  {key} is 'top2', a metric of this experiment's own" in refused.err


@pytest.mark.usefixtures("project")
def test_a_task_of_no_known_kind_is_refused_with_the_way_out(run: Run) -> None:
    for kind in ("ranking", "detection", "multilabel"):
        refused = run("train.py", "conf=linear", f"task.kind={kind}")
        assert refused.code == 3
        assert f"REFUSED  there is no task kind '{kind}'" in refused.err
        assert "classification, ordinal, regression" in refused.err
        assert "a metric of their own over the stored arrays" in refused.err
        assert "Traceback" not in refused.err


# --- ordered classes --------------------------------------------------------------------------------------------------


def test_ordered_classes_from_raw_labels_to_a_score_in_each_view(project: Path, run: Run) -> None:
    digits = (project / "conf/data/digits.yaml").read_text()
    write(project, "conf/data/grades.yaml", digits.replace("classification", "ordinal").replace("accuracy", "qwk"))
    assert run("receipts", "split", "grades").code == 0
    head = "defaults: [{}, override /data: grades]\npurpose: Are ten digits ten grades?\n"
    write(project, "conf/graded.yaml", head.format("net"))
    write(project, "conf/valued.yaml", head.format("ridge"))
    commit(project)

    done = run("train.py", "conf=graded", "fit.epochs=1")
    assert (done.code, done.err) == (0, "")
    found = record(project)
    assert list(found["scores"][0]["metrics"]) == ["mae", "qwk", "spearman", "accuracy"]
    assert found["checkpoint"]["rule"] == "max val qwk"
    assert "percentile bootstrap" in found["scores"][0]["intervals"]["qwk"]["method"]
    assert len(found["scores"][0]["confusion"]) == 10
    assert run("eval.py", "run_id=latest").code == 0

    done = run("train.py", "conf=graded", "fit.epochs=1", "task.view=value", "task.primary=rmse")
    assert (done.code, done.err) == (0, "")
    assert list(record(project)["scores"][0]["metrics"]) == ["mae", "rmse", "r2", "spearman"]

    assert run("train.py", "conf=valued").code == 0
    assert record(project)["scores"][0]["metrics"]["qwk"]["value"] > 0.5


# --- beside other runs, class by class --------------------------------------------------------------------------------


def test_a_readme_compares_with_what_is_recorded(project: Path, run: Run) -> None:
    own, linear = runs(project)[:2]
    text = (own / "README.md").read_text()
    numbers = [record(project, number)["scores"][0]["metrics"]["accuracy"]["value"] for number in (0, 1)]
    assert f"| linear baseline | `{linear.name}` | val | {numbers[1]:.4f} | {numbers[0] - numbers[1]:+.4f} |" in text
    assert "There is no floor on val" in text
    write(
        project, "conf/bottom.yaml", "purpose: The floor.\nseed: 0\nmodel: {_target_: sklearn.dummy.DummyClassifier}\n"
    )
    commit(project)
    assert run("train.py", "conf=bottom").code == 0
    assert record(project)["rung"] == "floor"
    shown = run("receipts", "show", own.name).out
    assert re.search(rf"\| floor \| `{runs(project)[0].name}` \| val \| 0\.\d{{4}} \| \+0\.\d{{4}} \|", shown)


def test_classes_and_the_interval_are_shown(trained: Path) -> None:
    folder = runs(trained)[1]
    text = (folder / "README.md").read_text()
    assert "| class | precision | recall | F1 | support |" in text
    lines = (folder / "per_class.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("split,label,precision,recall,f1,support", 11)
    assert sum(int(line.rpartition(",")[2]) for line in lines[1:]) == 359
    assert re.search(r"- val accuracy: 95% interval 0\.\d+ to 0\.\d+, 0\.\d+ wide \(Wilson, 359 samples\); wider", text)


# --- scoring again ----------------------------------------------------------------------------------------------------


def test_runs_are_scored_again_without_training_or_opening(project: Path, run: Run) -> None:
    folder = runs(project)[0]
    assert run("receipts", "rescore", folder.name).out.startswith(f"{folder.name}  already scored by this harness\n")
    path = folder / "record.json"
    older = json.loads(path.read_text())
    older["scores"][0]["harness"] = "00" * 32
    older["scores"][0]["metrics"] = {"accuracy": older["scores"][0]["metrics"]["accuracy"]}
    path.write_text(json.dumps(older))
    (folder / "metrics.json").unlink()

    done = run("receipts", "rescore", "all")
    assert (done.code, done.err) == (0, "")
    assert f"{runs(project)[1].name}  already scored by this harness\n" in done.out
    assert re.search(rf"{folder.name}  val accuracy 0\.\d{{4}} then, 0\.\d{{4}} now\n", done.out)
    found = record(project)
    assert [score["harness"] == "00" * 32 for score in found["scores"]] == [True, False]
    assert found["scores"][1]["file"] == found["scores"][0]["file"]
    assert found["scores"][1]["metrics"]["accuracy"] == older["scores"][0]["metrics"]["accuracy"]
    assert "top2" in found["scores"][1]["metrics"]
    assert (found["openings"], found["ended"], found["reportable"]) == ([], older["ended"], True)
    assert "top2" in (folder / "metrics.json").read_text()
    assert len(record(project)["scores"]) == 2
    assert run("receipts", "rescore", "all").out.count("already scored") == 2


def test_a_changed_metric_is_scored_again(project: Path, run: Run) -> None:
    write(project, "src/lab/scores.py", TOP2.replace(":2]", ":2][:, ::-1]"))
    done = run("receipts", "rescore", "latest")
    assert done.code == 0, done.err
    first, second = record(project)["scores"]
    assert first["own"] != second["own"]
    assert first["metrics"]["top2"] == second["metrics"]["top2"]


def test_altered_predictions_are_not_scored_again(project: Path, run: Run) -> None:
    path = runs(project)[0] / "record.json"
    path.write_text(path.read_text().replace(record(project)["scores"][0]["harness"], "00" * 32))
    (runs(project)[0] / "predictions/val.parquet").write_bytes(b"other")
    refused = run("receipts", "rescore", "all")
    assert refused.code == 3
    assert "predictions/val.parquet is not the file that was scored" in refused.err
    assert len(record(project)["scores"]) == 1
    (runs(project)[0] / "predictions/val.parquet").unlink()
    assert "val.parquet is missing" in run("receipts", "rescore", "latest").err


# --- two runs side by side, and runs that may go ----------------------------------------------------------------------


def test_two_runs_are_told_apart(trained: Path) -> None:
    a, b = (folder.name for folder in reversed(runs(trained)))
    script = "import sys; from receipts.cli import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, [str(trained / "src"), os.environ.get("PYTHONPATH")]))}
    done = subprocess.run(
        [sys.executable, "-c", script, "diff", a, b],
        cwd=trained,
        env=os.environ | paths,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "False"
    assert lines[0].startswith(f"A  {a}  completed, seed 0, commit ")
    assert "  model.steps.1.1.C: 1.0 → 0.001" in lines
    assert any(re.fullmatch(r"  src/lab/scores.py: — → [0-9a-f]{12}", line) for line in lines)
    assert "THE SAME: data and split, environment" in lines
    assert any(re.fullmatch(r"  val accuracy 0\.\d{4} → 0\.\d{4} \(-0\.\d{4}\)", line) for line in lines)
    flips = next(line for line in lines if line.startswith("  val: "))
    assert re.match(
        r"  val: \d+ of 359 predictions flipped \(\d+ right → wrong, \d+ wrong → right, \d+ otherwise\)", flips
    )
    assert "moved most: digit-" in flips


def test_what_no_report_names_can_go(project: Path, run: Run) -> None:
    own, linear = runs(project)
    done = run("receipts", "gc", "--yes")
    assert done.code == 0
    assert "there is no report/numbers.json" in done.out
    assert len(runs(project)) == 2

    (project / "report").mkdir()
    (project / "report/numbers.json").write_text(json.dumps({"main.own.accuracy": {"value": 0.9, "runs": [own.name]}}))
    size = sum(path.stat().st_size for path in linear.rglob("*") if path.is_file() and path.name != ".record.lock")
    dry = run("receipts", "gc")
    assert dry.code == 0
    assert f"keep    {own.name}  named by the report" in dry.out
    assert f"remove  {linear.name}  {size:,} bytes" in dry.out
    assert f"would remove 1 runs, {size:,} bytes; next: receipts gc --yes" in dry.out
    assert len(runs(project)) == 2
    assert f"removed 1 runs, {size:,} bytes" in run("receipts", "gc", "--yes").out
    assert runs(project) == [own]
    assert "would remove 0 runs" in run("receipts", "gc").out
