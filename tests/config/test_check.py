"""What is refused before anything heavy is imported, and what only earns a warning."""

import copy
from pathlib import Path
from typing import Any

import pytest

from receipts.config.build import build, resolve
from receipts.config.check import validate
from receipts.config.compose import compose
from receipts.config.schema import Config
from receipts.refusal import Refusal

pytestmark = pytest.mark.usefixtures("here")


def net(**changes: Any) -> Config:
    """The network's config, with values exchanged by dotted key (`__` for the dot)."""
    config = copy.deepcopy(compose("conf=net").config)
    for key, value in changes.items():
        *path, leaf = key.split("__")
        node: Any = config
        for part in path:
            node = node[part] if isinstance(node, dict) else getattr(node, part)
        if isinstance(node, dict):
            node[leaf] = value
        else:
            setattr(node, leaf, value)
    return config


def test_clean_experiments_earn_no_warning() -> None:
    for name in ("net", "wider", "linear", "ridge", "regressor"):
        assert validate(compose(f"conf={name}").config) == [], name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model__lr": 3.0}, "learning rates of 1 and more"),
        ({"model__lr": 0.0}, "nothing will be learnt"),
        ({"model__dropout": 0.95}, "hardly anything gets through"),
        ({"fit__epochs": 0}, "scored as it was initialised"),
        ({"purpose": "", "limit__epochs": 1}, "purpose is empty"),
        ({"split__shares": {"train": 0.5, "val": 0.1, "test": 0.1}}, "add up to 0.7"),
        ({"fit__select__patience": 2}, "can never end a training of 2 epochs"),
    ],
)
def test_suspicious_values_are_warned_about(changes: dict[str, Any], sentence: str) -> None:
    assert any(sentence in warning for warning in validate(net(**changes)))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"fit__epochs": -1}, "fit.epochs is -1"),
        ({"fit__batch_size": 0}, "fit.batch_size is 0"),
        ({"fit__threads": 0}, "fit.threads is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"task__kind": "ranking"}, "there is no task kind 'ranking'"),
        ({"task__classes": None}, "task.classes is not stated"),
        ({"task__view": "value"}, "task.view is 'value', and labels of a classification task cannot be scored as that"),
        ({"task__kind": "ordinal", "task__primary": "nll"}, "for ordinal it computes mae, qwk, spearman, accuracy"),
        ({"task__kind": "ordinal", "task__classes": None, "task__primary": "mae"}, "task.classes is not stated"),
        ({"task__primary": "???"}, "does not state task.primary"),
        ({"fit__deterministic": "maybe"}, "fit.deterministic is 'maybe'"),
        ({"fit__validate_every": 1.5}, "fit.validate_every is 1.5"),
        ({"trainer__processes": 3}, "fit.batch_size is 64 and does not divide by 3 processes"),
        ({"trainer__processes": 128}, "fit.batch_size=128"),
        ({"trainer__processes": 0}, "one process on each GPU, and there is none here"),
        ({"trainer__processes": -1}, "trainer.processes is -1"),
        ({"trainer__processes": 2, "facts__deterministic": True}, "facts.deterministic is declared"),
        ({"purpose": " "}, "purpose is not stated"),
        ({"fit__max_minutes": 0.0}, "fit.max_minutes is 0"),
        ({"fit__init_from": 3}, "fit.init_from is 3"),
        ({"model__width": 3}, "model.width is no argument of lab.net.Net"),
        ({"model__dropuot": 3}, "did you mean dropout?"),
        ({"model__lr": "fast"}, "model.lr is 'fast', a str"),
        ({"model__hidden": 2.5}, "model.hidden is 2.5, a float"),
        ({"model__hidden": True}, "model.hidden is True, a bool"),
        ({"model___target_": "os.system"}, "model._target_: os.system is outside the allow-list"),
        ({"model___target_": "lab.net.Nett"}, "defines no Nett; did you mean Net?"),
        ({"model___target_": "lab.nte.Net"}, "there is no module lab.nte; did you mean lab.net?"),
        ({"model___partial_": True}, "model holds _partial_"),
        ({"fit__callbacks": [{"_target_": "builtins.open", "file": "x"}]}, "outside the allow-list"),
        ({"fit__callbacks": [{"_target_": "lab.net.Stop", "monitor": "test/accuracy"}]}, "test/accuracy"),
        ({"fit__select__metric": "acuracy"}, "acuracy"),
        ({"task__primary": "val_loss"}, "val_loss"),
        ({"fit__select__metric": "test/accuracy"}, "test/accuracy"),
    ],
)
def test_impossible_values_are_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(Refusal) as found:
        validate(net(**changes))
    assert what in str(found.value)


def test_an_unstated_argument_of_a_lab_class_is_refused() -> None:
    config = net()
    del config.model["lr"]
    with pytest.raises(Refusal, match="model does not state lr"):
        validate(config)


def test_training_settings_mean_nothing_to_an_estimator() -> None:
    with pytest.raises(Refusal, match=r"fit\.epochs, fit\.precision means nothing to sklearn"):
        validate(compose("conf=linear", "fit.epochs=3", "fit.precision=bf16-mixed").config)
    assert validate(compose("conf=linear", "fit.threads=2").config) == []


def test_a_function_of_the_lab_is_no_class(here: Path) -> None:
    (here / "src/lab/net.py").write_text("def make(): ...\n" + (here / "src/lab/net.py").read_text())
    with pytest.raises(Refusal, match=r"lab\.net\.make is not a class"):
        validate(net(model___target_="lab.net.make"))


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("sklearn.datasets.load_iris", "is not a class"),
        ("sklearn.nothing.Here", "there is no sklearn.nothing.Here"),
        ("sklearn.linear_model.Nothing", "there is no sklearn.linear_model.Nothing"),
        ("sklearn.utils.np.ndarray", "there is no sklearn.utils.np.ndarray"),
        ("sklearn.base.BaseEstimator.__init__", "sklearn.base.BaseEstimator"),
        ("sklearn.pipeline.defaultdict", "outside the allow-list"),
        ("sklearn", "outside the allow-list"),
        (None, "outside the allow-list"),
    ],
)
def test_only_classes_defined_in_allowed_packages_are_built(target: Any, what: str) -> None:
    with pytest.raises(Refusal) as found:
        resolve("model", target) if target else build({"_target_": target})
    assert what in str(found.value)


def test_unknown_arguments_of_library_classes_are_refused() -> None:
    with pytest.raises(Refusal, match=r"model\.CC is no argument of sklearn\.linear_model\.LogisticRegression"):
        build({"_target_": "sklearn.linear_model.LogisticRegression", "CC": 1})


def test_nested_calls_are_built_inside_out() -> None:
    pipeline = build(compose("conf=linear").config.model)
    assert [name for name, _ in pipeline.steps] == ["scale", "logreg"]
    assert pipeline.named_steps["logreg"].C == 1.0


def test_another_clones_lab_is_refused(here: Path) -> None:
    with pytest.raises(Refusal, match="Python's `lab` is not this project's"):
        build(compose("conf=net").config.model)
