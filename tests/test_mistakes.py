"""What people get when they get it wrong: what happened, why, the cure, no traceback, and nothing spent.

Exit code 3, or 4 where a check failed the run. What can be known before the start leaves no trace in the project.
"""

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml
from folders import commit, git, record, runs, write
from launching import Ended, bound_by_permissions, launch, patient, without_gpu

Run = Callable[..., Ended]
NET = "purpose: A mistake.\nseed: 0\nmodel: {_target_: lab.net.Net, features: 64, outputs: 10, hidden: 8, "
DATA = """
data: {_target_: lab.data.Digits, path: data/digits.csv.gz}
split: {rule: contiguous, shares: {train: 0.6, val: 0.2, test: 0.2}}
task: {kind: classification, classes: 10, primary: accuracy}
"""
FIT = "fit: {epochs: 1, batch_size: 64}\n"


def refused(done: Ended, *sentences: str, code: int = 3) -> None:
    """A refusal in its three lines, and nothing else on the error stream."""
    title = {3: "REFUSED", 4: "FAILED"}[code]
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.out + done.err
    assert re.search(rf"^{title} +\S.*\n(.*\n)*? +why +\S.*\n(.*\n)*? +fix +\S", done.err, re.MULTILINE), done.err
    for sentence in sentences:
        assert sentence in done.err


def untouched(project: Path) -> None:
    """Nothing was written: no run folder, no change in the tree."""
    assert not (project / "runs").exists()
    assert not (project / "multirun").exists()


@pytest.fixture(scope="module")
def finished(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a smoke run of the network and one of the linear model."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(template, folder)
    for conf in ("linear", "net"):
        assert launch(folder, "train.py", f"conf={conf}", "preset=smoke").code == 0
    return folder


@pytest.fixture
def used(finished: Path, tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    return shutil.copytree(finished, tmp_path / "used")


# --- words and files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["conf=nett"], "there is no conf 'nett'; did you mean net?"),
        (["conf=net,linear"], "conf=net,linear"),
        (["conf=../net"], "there is no conf '../net'"),
        (["conf="], "conf"),
        (["preset=smok"], "there is no preset 'smok'; did you mean smoke?"),
        (["data=mnist"], "there is no data 'mnist'"),
        (["trainer=tpu"], "there is no trainer 'tpu'"),
        (["fit.epoch=3"], "unknown key 'fit.epoch'; did you mean epochs?"),
        (["+fit.warmup=3"], "unknown key 'fit.warmup'"),
        (["waive={split-overlap: twins}"], "or add it: +waive.split-overlap="),
        (["seed=abc"], "seed cannot take that value"),
        (["seed=-1"], "seed is -1"),
        (["fit.epochs=1.5"], "fit.epochs cannot take that value"),
        (["model.dropuot=0"], "unknown key 'model.dropuot'; did you mean dropout?"),
        (["+model.width=3"], "model.width is no argument of lab.net.Net"),
        (["~model.lr"], "model does not state lr of lab.net.Net"),
        (["model.lr=fast"], "model.lr is 'fast', a str"),
        (["model._target_=os.system"], "model._target_ cannot be exchanged"),
        (["fit.select.metric=val_loss"], "fit.select.metric is 'val_loss'"),
        (["task.kind=ranking"], "there is no task kind 'ranking'"),
        (["conf=linear", "fit.epochs=3"], "fit.epochs means nothing to sklearn"),
        (["smoke"], "smoke"),
        (["--preset", "smoke"], "--preset"),
        (["-m", "conf=net,nett"], "there is no conf 'nett'"),
        (["-m", "trainer.processes=2"], "-m cannot start runs of several processes"),
    ],
)
def test_words_that_mean_nothing(project: Path, run: Run, words: list[str], sentence: str) -> None:
    refused(run("train.py", *words), sentence)
    untouched(project)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("typo", "defaults: [net]\nsed: 3\n", "unknown key 'sed'; did you mean seed?"),
        ("typo", "defaults: [net]\nfit: {epoch: 3}\n", "unknown key 'fit.epoch'; did you mean epochs?"),
        ("typo", "defaults: [net]\nseed: nine\n", "seed cannot take that value"),
        ("typo", "defaults: [nett]\n", "there is no conf 'nett'"),
        ("typo", "defaults: [net]\nmodel: {width: 3}\n", "model.width is no argument of lab.net.Net"),
        ("typo", NET + "lr: 0.1}\n", "model does not state dropout of lab.net.Net"),
        ("typo", "seed: [1\n", "conf/typo.yaml cannot be read as YAML"),
        ("typo", "# @package _global_\nseed: 1\n", "conf/typo.yaml carries a package header"),
        (
            "typo",
            "seed: 0\nmodel: {_target_: os.system, command: touch planted}\n",
            "os.system is outside the allow-list",
        ),
        ("typo", "seed: 0\nmodel: {_target_: lab.made.make}\n", "lab.made.make is not a class"),
        ("typo", "seed: 0\nmodel: {_target_: lab.made.Maker}\n", "defines no Maker"),
        ("typo", "seed: 0\nmodel: {_target_: lab.mad.Make}\n", "there is no module lab.mad; did you mean lab.made?"),
        ("typo", NET + "dropout: 0, lr: 0.1, _partial_: true}\n", "model holds _partial_"),
        ("typo", "purpose: No seed.\n" + NET[NET.index("model") :] + "dropout: 0, lr: 0.1}\n", "seed is not stated"),
        ("typo", "seed: 0\n", "model is not stated"),
        ("data/digits", DATA.replace("path:", "paths:"), "data.paths is no argument of lab.data.Digits"),
        ("data/digits", DATA + "tsak: {}\n", "unknown key 'tsak'; did you mean task?"),
        ("data/digits", DATA.replace(", primary: accuracy", ""), "task.primary is not stated"),
        ("data/digits", "seed: 1\n", "is not stated"),
        ("preset/smoke", "limit: {row: 3}\n", "unknown key 'limit.row'; did you mean rows?"),
    ],
)
def test_files_that_mean_nothing(project: Path, run: Run, name: str, text: str, sentence: str) -> None:
    write(project, "src/lab/made.py", "def make(): ...\n")
    (project / f"conf/{name}.yaml").write_text(text)
    conf = "typo" if name == "typo" else "net"
    refused(run("train.py", f"conf={conf}", "preset=smoke"), sentence)
    untouched(project)
    assert not (project / "planted").exists()


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("sklearn.datasets.load_iris", "sklearn.datasets.load_iris is not a class"),
        ("sklearn.linear_model.Rigde", "there is no sklearn.linear_model.Rigde"),
        ("sklearn.pipeline.defaultdict", "outside the allow-list"),
        ("torch.nn.Linear", "torch.nn.Linear is no method"),
        ("lab.net.nn", "lab.net.nn is not a class"),
        ("sklearn.preprocessing.StandardScaler", "sklearn.preprocessing.StandardScaler is no method"),
    ],
)
def test_targets_that_only_importing_tells_of(project: Path, run: Run, target: str, sentence: str) -> None:
    write(project, "conf/typo.yaml", f"seed: 0\nmodel: {{_target_: {target}}}\n")
    refused(run("train.py", "conf=typo", "preset=smoke"), sentence)
    assert record(project)["status"] == "failed"


def test_a_gpu_where_there_is_none(project: Path, run: Run) -> None:
    refused(run("train.py", "trainer=gpu", before=without_gpu), "trainer=gpu, and torch finds no GPU here")


def test_verbs_that_mean_nothing(project: Path, run: Run, tmp_path: Path) -> None:
    refused(run("receipts", "split", "mnist"), "there is no data 'mnist'")
    refused(run("receipts", "show", "latest"), "there is no completed run of any experiment")
    refused(run("receipts", "lst"), "lst")
    refused(run("receipts", "show"), "run")
    (tmp_path / "elsewhere").mkdir()
    refused(launch(tmp_path / "elsewhere", "receipts", "ls"), "is not inside a project")
    untouched(project)


# --- data and splits -------------------------------------------------------------------------------------------------


def tampered(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of a file."""
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("mistake", "sentences"),
    [
        (lambda at: shutil.rmtree(at / "data"), ["data/digits.csv.gz is missing", "dvc pull"]),
        (lambda at: (at / "data/digits.csv.gz").unlink(), ["data/digits.csv.gz is missing", "dvc pull"]),
        (lambda at: tampered(at / "data/digits.csv.gz", lambda all: all[:30000]), ["30,000 bytes", "dvc checkout"]),
        (lambda at: tampered(at / "data/digits.csv.gz", lambda all: all[:-1] + b"x"), ["is not the file the split"]),
        (lambda at: tampered(at / "data/digits.csv.gz", lambda all: b""), ["(0 bytes)", "dvc checkout"]),
        (lambda at: (at / "data/new.csv").touch(), ["not the data this commit names", "git checkout data.dvc"]),
        (
            lambda at: tampered(at / "data/diabetes_target.csv.gz", lambda all: all * 2),
            ["not the data this commit names"],
        ),
        (
            lambda at: (at / "splits/digits.json").unlink(),
            ["splits/digits.json does not exist", "receipts split digits"],
        ),
        (lambda at: tampered(at / "splits/digits.json", lambda all: all[:300]), ["is not a readable manifest"]),
        (lambda at: tampered(at / "splits/digits.json", lambda all: b"\xff" + all), ["is not a readable manifest"]),
        (lambda at: tampered(at / "conf/data/digits.yaml", lambda all: all.replace(b"0.6", b"0.5")), ["another split"]),
        (lambda at: shutil.copy(at / "splits/diabetes.json", at / "splits/digits.json"), ["made for another dataset"]),
    ],
)
def test_data_that_nobody_could_repeat(
    project: Path, run: Run, mistake: Callable[[Path], object], sentences: list[str]
) -> None:
    mistake(project)
    refused(run("train.py", "conf=net", "preset=smoke"), *sentences)
    untouched(project)


def test_a_pointer_rewritten_to_fit_tampered_bytes_proves_nothing(project: Path, run: Run) -> None:
    text = (project / "data.dvc").read_text()
    (project / "data/new.csv").touch()
    write(project, "data.dvc", re.sub("md5: .*", "md5: 00000000000000000000000000000000.dir", text))
    refused(run("train.py", "conf=net", "preset=smoke"), "not the data this commit names")
    untouched(project)


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("splits/digits.npz", lambda all: all[:-1], "splits/digits.npz is not the file its manifest names"),
        (
            "src/lab/data.py",
            lambda all: all.replace(b"/ 16", b"/ 15"),
            "inputs of train are not those the split was made",
        ),
        ("src/lab/data.py", lambda all: all.replace(b"UCI", b"My"), "calls its source 'My optdigits"),
        ("src/lab/data.py", lambda all: all.replace(b"[path]", b"[]"), "the dataset reads []"),
        (
            "src/lab/data.py",
            lambda all: all.replace(b"self.ids", b"self.names"),
            "Digits is not a dataset: it has no ids",
        ),
    ],
)
def test_data_that_differ_from_their_manifest(
    project: Path, run: Run, file: str, change: Callable[[bytes], bytes], sentence: str
) -> None:
    tampered(project / file, change)
    refused(run("train.py", "conf=net", "preset=smoke"), sentence)
    assert record(project)["status"] == "failed"


def test_labels_outside_the_range(project: Path, run: Run) -> None:
    refused(
        run("train.py", "conf=net", "preset=smoke", "task.classes=9"),
        "labels of train lie outside 0 … 8",
        "digit-0009 is 9",
    )
    assert "lie outside" in record(project)["failure"]["reason"]
    assert record(project)["scores"] == []


# --- the place -------------------------------------------------------------------------------------------------------


def test_no_git_repository(project: Path, run: Run) -> None:
    shutil.rmtree(project / ".git")
    refused(run("train.py", "conf=net"), "is not a git repository", "git init")
    git(project, "init", "-q")
    refused(run("train.py", "conf=net"), "has no commit yet", "git add -A && git commit")
    untouched(project)


def test_a_folder_that_cannot_be_written(project: Path, run: Run) -> None:
    project.chmod(0o555)
    refused(run("train.py", "conf=net", before=bound_by_permissions), "cannot be written", "chmod -R u+w")
    project.chmod(0o755)
    untouched(project)
    assert run("train.py", "conf=net", "preset=smoke", before=bound_by_permissions).code == 0
    (project / "runs").chmod(0o555)
    refused(run("train.py", "conf=net", before=bound_by_permissions), "cannot be written", "chmod -R u+w runs")
    runs(project)[0].chmod(0o555)
    refused(run("eval.py", "run_id=latest", before=bound_by_permissions), "cannot be written", "chmod -R u+w runs")
    assert record(project)["openings"] == []


def test_a_repository_that_git_does_not_trust(project: Path, run: Run) -> None:
    foreign = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "HOME": str(project), "GIT_CONFIG_NOSYSTEM": "1"}
    refused(run("train.py", "conf=net", environment=foreign), "belongs to somebody else", "safe.directory")
    untouched(project)


def test_a_corrupt_mlflow_database_costs_a_warning(project: Path, run: Run) -> None:
    (project / "mlflow.db").write_bytes(b"no database at all" * 1000)
    done = run("train.py", "conf=linear", "preset=smoke", tracked=True)
    assert done.code == 0
    assert done.err == ""
    assert "WARNING MLflow lacks part of this run" in done.out
    assert "nothing is lost: receipts sync" in done.out
    assert record(project)["status"] == "completed"
    refused(run("receipts", "sync"), "the MLflow store sqlite:///mlflow.db cannot be used", "may be deleted")


# --- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sentences"),
    [
        ("def predict_step(self, x, batch_idx): return self(x)", ["not probabilities", 'return {"logits": self(x)}']),
        ("def predict_step(self, x, batch_idx): return self(x)[:, :9].softmax(-1)", ["not (200, 10)", "10 wide"]),
        ("def predict_step(self, x, batch_idx): return self(x)[1:].softmax(-1)", ["predictions: 196 rows for 200"]),
        ("def predict_step(self, x, batch_idx): return self(x).argmax(-1)", ["the method returned shape (200,)"]),
        ("def predict_step(self, x, batch_idx): return self(x).softmax(-1) * torch.nan", ["NaN", "digit-1078"]),
        ("def predict_step(self, x, batch_idx): return [0.5]", ["predict_step returned a list", "softmax(-1)"]),
        ("def predict_step(self, x, batch_idx): pass", ["predict_step returned a NoneType"]),
        ("def predict_step(self, x, batch_idx): return {'p': self(x)}", ["a dict of p", "logits or probabilities"]),
        (
            "def predict_step(self, batch, batch_idx): x, y = batch",
            ["could not unpack its batch", "it is given x alone"],
        ),
        ("def training_step(self, batch, batch_idx): pass", ["training_step returned no loss"]),
        ("predict_step = LightningModule.predict_step", ["has no predict_step", "add def predict_step(self, x"]),
        ("configure_optimizers = LightningModule.configure_optimizers", ["has no configure_optimizers"]),
        (
            "def validation_step(self, batch, batch_idx): self.log('val/accuracy', 1.0)",
            ["the module logs 'val/accuracy'", "log it as val_batch/accuracy"],
        ),
        (
            "def validation_step(self, batch, batch_idx): self.log_dict({'val/nll': 0.0})",
            ["the module logs 'val/nll'", "log it as val_batch/nll"],
        ),
    ],
)
def test_modules_whose_outputs_mean_nothing(project: Path, run: Run, body: str, sentences: list[str]) -> None:
    write(project, "src/lab/wrong.py", f"from lab.net import *\n\nclass Wrong(Net):\n    {body}\n")
    write(project, "conf/wrong.yaml", NET.replace("net.Net", "wrong.Wrong") + "dropout: 0, lr: 0.01}\n" + FIT)
    refused(run("train.py", "conf=wrong", "preset=smoke", before=partial(patient, ".*returned `None`")), *sentences)
    found = record(project)
    assert found["status"] == "failed"
    assert found["scores"] == []
    assert sentences[0] in found["failure"]["reason"]


def test_weights_that_are_not_all_of_the_state_fail_a_check(project: Path, run: Run) -> None:
    body = """
    turned = 0

    def on_fit_end(self):
        self.turned = 1

    def predict_step(self, x, batch_idx):
        return self(x).softmax(-1).roll(self.turned, -1)
    """
    write(project, "src/lab/wrong.py", f"from lab.net import *\n\nclass Wrong(Net):\n    {body}\n")
    write(project, "conf/wrong.yaml", NET.replace("net.Net", "wrong.Wrong") + "dropout: 0, lr: 0.01}\n" + FIT)
    commit(project)
    for _ in ("trained", "skipped"):
        done = run("train.py", "conf=wrong")
        assert (done.code, done.err) == (4, "")
        assert "CHECK FAILED  selected-is-scored: the scored weights are not the selected ones" in done.out
        assert "not reportable: check failed: selected-is-scored" in done.out
    found = record(project)
    assert (found["status"], found["reportable"]) == ("completed", False)
    assert len(runs(project)) == 1


# --- run ids ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("20250101", "there is no run 20250101"),
        ("nonsense", "there is no run nonsense"),
        ("2", "2 is the beginning of 2 runs"),
        ("../runs", "'../runs' is no run id"),
        ("runs/2", "'runs/2' is no run id"),
        (".", "'.' is no run id"),
        ("", "'' is no run id"),
        ("latest:nett", "there is no completed run of nett as its file states it"),
        ("latest:net", "there is no completed run of net as its file states it"),
        ("latest:../net", "there is no completed run of ../net"),
        ("it's", "there is no run it's"),
        ("a,b", "there is no run a,b"),
        ("[x]", "there is no run [x]"),
        ("*", "there is no run *"),
    ],
)
def test_run_ids_that_name_no_run(finished: Path, wanted: str, sentence: str) -> None:
    before = [record(finished, number) for number in (0, 1)]
    refused(launch(finished, "eval.py", f"run_id={wanted}"), sentence)
    assert [record(finished, number) for number in (0, 1)] == before


def test_eval_without_words_it_understands(finished: Path) -> None:
    refused(launch(finished, "eval.py"), "run_id is not stated")
    refused(launch(finished, "eval.py", "run_id=latest", "split=tset"), "there is no split 'tset'", "train, val, test")
    refused(launch(finished, "eval.py", "run_id=latest", "splt=val"), "unknown key 'splt'")
    refused(launch(finished, "receipts", "show", "../x"), "'../x' is no run id")


# --- runs that are not what they were --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("record.json", lambda all: all[: len(all) // 2], "record.json is not a readable record"),
        ("record.json", lambda all: b"", "record.json is not a readable record"),
        ("record.json", lambda all: b"\xff\xfe" + all, "record.json is not a readable record"),
        ("record.json", lambda all: b"[]", "record.json is not a readable record"),
        ("record.json", lambda all: all.replace(b'"schema": 1', b'"schema": 2'), "was written by a newer core"),
        ("record.json", lambda all: all.replace(b'"names"', b'"nmaes"'), "record.json is not a readable record"),
        ("config.yaml", lambda all: all[: len(all) // 2], "config"),
        ("config.yaml", lambda all: b"", "config.yaml is not a config"),
        ("config.yaml", lambda all: b"\xff\xfe" + all, "config.yaml cannot be read"),
        (
            "config.yaml",
            lambda all: all.replace(b"hidden: 16", b"hidden: 17"),
            "the config of today is not the config of",
        ),
        ("config.yaml", lambda all: all + b"planted: 1\n", "unknown key 'planted'"),
        ("checkpoints/best.ckpt", lambda all: all[: len(all) // 2], "best.ckpt is no readable checkpoint"),
        ("checkpoints/best.ckpt", lambda all: b"", "best.ckpt is no readable checkpoint"),
        ("checkpoints/best.ckpt", None, "best.ckpt is missing"),
        ("config.yaml", None, "config.yaml is missing"),
    ],
)
def test_damaged_runs_are_not_scored(
    used: Path, file: str, change: Callable[[bytes], bytes] | None, sentence: str
) -> None:
    run = runs(used)[0]
    path, kept = run / file, run / "record.json"
    before = kept.read_bytes()
    path.unlink() if change is None else tampered(path, change)
    refused(launch(used, "eval.py", f"run_id={path.parents[file.count('/')].name}"), sentence)
    assert launch(used, "receipts", "ls").code == 0
    if path != kept:
        assert kept.read_bytes() == before


def test_a_damaged_record_stands_in_the_list_and_in_the_way(used: Path) -> None:
    damaged = runs(used)[0]
    tampered(damaged / "record.json", lambda all: all[:100])
    listed = launch(used, "receipts", "ls")
    assert re.search(rf"{damaged.name}\s+unreadable", listed.out)
    refused(
        launch(used, "train.py", "conf=net", "preset=smoke"), "is not a readable record", f"move runs/{damaged.name}"
    )
    shutil.move(damaged, used / "moved")
    assert launch(used, "eval.py", "run_id=latest").code == 0
    assert launch(used, "train.py", "conf=net", "preset=smoke").code == 0


class Planted:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch planted",)


def test_a_pickle_in_place_of_weights_is_never_run(used: Path) -> None:
    torch_run, sklearn_run = runs(used)
    for run, file in ((torch_run, "checkpoints/best.ckpt"), (sklearn_run, "checkpoints/estimator.skops")):
        (run / file).write_bytes(pickle.dumps(Planted()))
        refused(launch(used, "eval.py", f"run_id={run.name}"), f"{file} ")
        assert not (used / "planted").exists()
    assert record(used)["openings"] == record(used, 1)["openings"] == []


def test_an_estimator_that_would_call_a_function_is_never_built(used: Path) -> None:
    run = runs(used)[1]
    plant = """
    import os, skops.io
    from sklearn.preprocessing import FunctionTransformer

    skops.io.dump(FunctionTransformer(os.system), "{run}/checkpoints/estimator.skops")
    """
    write(used, "plant.py", plant.replace("{run}", str(run)))
    assert launch(used, "plant.py").code == 0
    refused(launch(used, "eval.py", f"run_id={run.name}"), "holds types outside the allow-list", "system")
    assert record(used, 1)["openings"] == []


def test_weights_of_another_run_are_refused(used: Path) -> None:
    assert launch(used, "train.py", "conf=net", "preset=smoke", "seed=1").code == 0
    ours, theirs = runs(used)[:2]
    shutil.copy(theirs / "checkpoints/best.ckpt", ours / "checkpoints/best.ckpt")
    refused(launch(used, "eval.py", f"run_id={ours.name}"), "does not hold the weights that were recorded")
    assert record(used)["openings"] == []


def test_a_config_that_came_back_with_another_target_builds_nothing(used: Path) -> None:
    from receipts.config.schema import NO_NUMBER
    from receipts.provenance import code

    run = runs(used)[0]
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"] = {"_target_": "os.system", "command": "touch planted"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    refused(launch(used, "eval.py", f"run_id={run.name}"), "the config of today is not the config of")

    found = record(used)  # whoever can write the config can write the record too
    kept = {key: value for key, value in config.items() if key not in NO_NUMBER}
    kept["processes"] = config["trainer"]["processes"]
    found["identity"]["config"] = code.sha256(json.dumps(kept, sort_keys=True).encode())
    found["identity"]["code"] = "x"
    (run / "record.json").write_text(json.dumps(found))
    look = f"import receipts\nreceipts.load('{run.name}').model()\n"
    write(used, "look.py", look)
    done = launch(used, "look.py")
    assert "Refusal" in done.err
    assert "os.system is outside the allow-list" in done.err
    assert not (used / "planted").exists()


@pytest.mark.parametrize(
    ("file", "change", "sentences"),
    [
        ("src/lab/net.py", lambda all: all + b"# changed\n", ["the code of today", "src/lab/net.py", "git checkout"]),
        ("train.py", lambda all: all + b"# changed\n", ["the code of today", "train.py", "git checkout"]),
        ("requirements.lock", lambda all: all + b"numpy\n", ["the lock of today", "requirements.lock", "git checkout"]),
        ("data/digits.csv.gz", lambda all: all[:-1], ["data/digits.csv.gz is not the file", "dvc checkout"]),
        ("splits/digits.json", lambda all: all + b"\n", ["the split of today", "splits/digits.json"]),
    ],
)
def test_a_run_whose_ground_has_moved_is_not_scored(
    used: Path, file: str, change: Callable[[bytes], bytes], sentences: list[str]
) -> None:
    tampered(used / file, change)
    refused(launch(used, "eval.py", "run_id=latest"), *sentences)
    assert record(used)["openings"] == []


def test_a_changed_harness_is_told_apart(used: Path) -> None:
    found = record(used)
    found["code"]["harness"] = "0" * 64
    (runs(used)[0] / "record.json").write_text(json.dumps(found))
    refused(launch(used, "eval.py", "run_id=latest"), "the evaluation harness is not the one this run was scored with")


def test_a_failed_run_is_not_scored(project: Path, run: Run) -> None:
    refused(run("train.py", "conf=net", "preset=smoke", "task.classes=9"), "lie outside")
    name = runs(project)[0].name
    refused(run("eval.py", f"run_id={name}"), f"{name} is not complete", "its status is failed")
    refused(run("eval.py", "run_id=latest"), "there is no completed run")


def test_stored_predictions_that_were_cut_are_not_read(used: Path) -> None:
    tampered(runs(used)[0] / "predictions/val.parquet", lambda all: all[:-20])
    write(used, "look.py", "import receipts\nreceipts.load('latest').predictions('val')\n")
    assert "is not a readable predictions file" in launch(used, "look.py").err


def test_a_lost_history_costs_the_curve_and_nothing_else(template: Path, tmp_path: Path) -> None:
    project = shutil.copytree(template, tmp_path / "project")
    assert launch(project, "train.py", "conf=net").code == 0
    tampered(runs(project)[0] / "history.csv", lambda all: all[: len(all) // 2])
    assert launch(project, "eval.py", "run_id=latest:net").code == 0
