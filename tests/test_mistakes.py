"""What people get when they get it wrong: what happened, why, the cure, no traceback, and nothing spent.

Exit code 3, or 4 where a check failed the run. What can be known before the start leaves no trace in the project.
Words and files, data and splits, the place, methods; of runs that are not what they were see test_damage.py.
"""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from folders import commit, git, record, runs, write
from launching import bound_by_permissions, launch, patient, without_gpu
from mistaken import DATA, FIT, NET, Run, refused, tampered, untouched

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
