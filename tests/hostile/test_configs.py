"""Configs that somebody sent: they build classes of the allowed packages and nothing else happens."""

import os
from typing import Any

import pytest
from traps import Trap

from receipts.config import build
from receipts.config.compose import compose
from receipts.config.files import load_yaml
from receipts.refusal import Refusal

TARGETS = [
    "os.system",
    "subprocess.Popen",
    "builtins.eval",
    "builtins.__import__",
    "torch.load",
    "torch.hub.load",
    "pandas.read_pickle",
    "pickle.loads",
    "joblib.load",
    "numpy.load",
    "hydra.utils.instantiate",
    "lab",
    "lab.",
    "lab..net",
    "lab.net.torch.load",
    "lab./etc/passwd.X",
    "lab.net.Net ",
    "labs.net.Net",
    "sklearn.utils._testing.check_output",
    "sklearn.datasets.load_files",
    "sklearn.os.system",
    "torch.nn.init.torch.load",
    "torch.nn.modules.module.torch.hub.load",
    "torchmetrics.utilities.imports.Path",
    "lightning.pytorch.callbacks.model_checkpoint.shutil.rmtree",
    "../../evil.Model",
    "__main__.X",
    7,
    None,
    ["os.system"],
    {"_target_": "os.system"},
]


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_nothing_but_a_class_of_an_allowed_package_is_built(trap: Trap, target: Any) -> None:
    for spec in ({"_target_": target, "command": f"touch {trap.canary}"}, {"_target_": target}):
        with pytest.raises(Refusal):
            build.build(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"_target_": "sklearn.linear_model.LogisticRegression", "_partial_": True},
        {"_target_": "sklearn.linear_model.LogisticRegression", "_args_": [1]},
        {"_target_": "sklearn.linear_model.LogisticRegression", "_recursive_": False},
        {"_target_": "sklearn.pipeline.Pipeline", "steps": [["a", {"_target_": "os.system", "command": "true"}]]},
        {"_target_": "sklearn.pipeline.Pipeline", "steps": [], "memory": "cache"},
        {"_target_": "sklearn.cluster.HDBSCAN", "memory": {"_target_": "sklearn.pipeline.Pipeline"}},
        {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint", "dirpath": "/tmp/elsewhere"},
        {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint", "dirpath": "../.."},
        {"_target_": "lightning.pytorch.callbacks.ModelCheckpoint", "filename": "../../x"},
        {"_target_": "lightning.pytorch.callbacks.OnExceptionCheckpoint", "dirpath": "~/../x/.."},
        {"_target_": "lightning.pytorch.callbacks.SpikeDetection", "exclude_batches_path": "/tmp/elsewhere.json"},
        {"_target_": "sklearn.model_selection.GridSearchCV", "param_grid": {"memory": ["cache"]}},
        {"_target_": "sklearn.model_selection.GridSearchCV", "param_grid": [{"a": [1]}, {"pipe__memory": ["cache"]}]},
    ],
    ids=lambda spec: " ".join(map(str, spec.items()))[11:90],
)
def test_what_changes_a_call_or_names_a_place_outside_is_refused(trap: Trap, spec: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        build.check_calls("model", spec)


MODEL = "model: {_target_: lab.net.Net, features: 64, outputs: 10, hidden: 1, dropout: 0.1, lr: 0.1}\n"
BASE = "purpose: p\nseed: 0\n" + MODEL + "fit: {epochs: 1, batch_size: 64}\n"
LAUGHS = "  x0: &x0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"  x{n + 1}: &x{n + 1} [{','.join([f'*x{n}'] * 9)}]\n" for n in range(8)
)
SECRET = "${oc.env:AWS_SECRET_ACCESS_KEY}"
FILES = {
    "a callback of Hydra": (BASE + "hydra: {callbacks: {a: {_target_: os.system, command: CMD}}}", "sets Hydra"),
    "another launcher": ("defaults: [{override /hydra/launcher: evil}]\n" + BASE, "sets Hydra"),
    "another logging": ("defaults: ['override hydra/job_logging: evil']\n" + BASE, "sets Hydra"),
    "a command at the end": (BASE + "on_end: CMD", "sets on_end"),
    "a variable of the environment": (BASE.replace("purpose: p", f"purpose: '{SECRET}'"), "environment variable"),
    "one as an argument": (BASE.replace("hidden: 1", f"hidden: '{SECRET}'"), "environment variable"),
    "one through another resolver": (BASE + f"waive: {{a: '${{oc.decode:{SECRET}}}'}}", "environment variable"),
    "an object of Python": (BASE + "waive: !!python/object/apply:os.system ['CMD']", "cannot be read as YAML"),
    "a target behind an interpolation": (
        BASE.replace("lab.net.Net", "'${waive.a}'") + "waive: {a: os.system}",
        "outside",
    ),
    "a million laughs": (BASE + "waive:\n" + LAUGHS, "aliases stand for more"),
    "a list in itself": (BASE + "waive: &a {b: *a}\n", "holds itself"),
    "nested without end": (BASE + "waive: " + "[" * 5000, "cannot be read as YAML"),
    "a key that stands twice": (BASE + "seed: 1\n", "cannot be read as YAML"),
    "half a sign": (BASE + 'waive: {a: "\udcff"}', "cannot be read as YAML"),
    "another resolver": (BASE.replace("purpose: p", "purpose: '${evil:1}'"), "evil"),
    "a group that is a path": ("defaults: [{override /preset: ../../../etc/passwd}]\n" + BASE, "preset"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_of_conf_from_somebody_else_composes_to_values_or_not_at_all(
    trap: Trap, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-print-me")
    path = trap.project / "conf/evil.yaml"
    path.write_text(BASE)
    build.check_calls("model", compose("conf=evil").values["model"])
    text, reason = FILES[case]
    path.write_bytes(text.replace("CMD", f"touch {trap.canary}").encode(errors="surrogateescape"))
    with pytest.raises(Refusal, match=reason) as told:
        build.build(compose("conf=evil").values["model"])
    assert "do-not-print-me" not in str(told.value)


def test_a_file_of_conf_that_is_a_link_or_a_pipe_reads_nothing_outside(trap: Trap) -> None:
    path = trap.project / "conf/evil.yaml"
    for there, reason in ((trap.victim, "leads out of the project"), ("/dev/zero", "leads out of the project")):
        path.symlink_to(there)
        with pytest.raises(Refusal, match=reason):
            load_yaml(path)
        path.unlink()
    path.symlink_to("net.yaml")
    assert load_yaml(path) == load_yaml(path.with_name("net.yaml"))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Refusal, match="is no file of at most"):
        load_yaml(path)


def test_what_is_meant_for_configs_may_be_read_from_the_environment(
    trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECEIPTS_WHY", "because")
    (trap.project / "conf/mine.yaml").write_text(BASE.replace("purpose: p", "purpose: '${oc.env:RECEIPTS_WHY}'"))
    assert compose("conf=mine").config.purpose == "because"
    (trap.project / "conf/mine.yaml").write_text(BASE.replace("purpose: p", "purpose: '${oc.env:RECEIPTS_NOT,else}'"))
    assert compose("conf=mine").config.purpose == "else"
    (trap.project / "conf/mine.yaml").write_text(BASE.replace("purpose: p", "purpose: '${oc.env:RECEIPTS_NOT}'"))
    with pytest.raises(Refusal, match="RECEIPTS_NOT is not set"):
        compose("conf=mine")


def test_whoever_types_a_command_means_it(trap: Trap) -> None:
    assert compose("conf=net", "on_end=date").config.on_end == "date"


def test_anchors_that_people_write_are_read(trap: Trap) -> None:
    path = trap.project / "conf/mine.yaml"
    path.write_text("a: &size {b: 1}\nc: *size\n")
    assert load_yaml(path).c.b == 1


def test_importing_the_core_leaves_the_environment_as_it_was(trap: Trap) -> None:
    assert os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD") is None, "it would undo weights_only in a library"
