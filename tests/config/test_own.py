"""A researcher's own metrics: what may be declared, and that the worked example comes first."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from folders import write

from receipts.config import build, own
from receipts.config.schema import OwnMetric
from receipts.refusal import Refusal

SCORES = '''
import numpy as np

def top2(probabilities, target):
    """Share of samples whose true class is among the
    two most probable ones."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return (ranked == target[:, None]).any(axis=1).mean()

def worst_group(prediction, target, groups) -> float:
    return min((prediction == target)[groups == group].mean() for group in set(groups))

def greedy(*arrays): ...
def hungry(target, features): ...
def idle(): ...
def vain(target): target[0] = 1; return 0.5
def moody(target, calls=[]): calls.append(1); return float(len(calls))
def broken(target): return {}["x"]
def many(target): return target
def nan(target): return float("nan")
def two(target): return 2.0
def text(target): return "0.5"
def whole(target): return np.int64(1)

class Score: ...
top1 = top2
'''
EXAMPLE = {"probabilities": [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], "target": [1, 2], "value": 0.5}


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with metrics in it; the `lab` of other tests is put aside."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src/lab").mkdir(parents=True)
    write(tmp_path, "src/lab/__init__.py", "")
    write(tmp_path, "src/lab/scores.py", SCORES)
    mine = [name for name in sys.modules if name == "lab" or name.startswith("lab.")]
    aside = {name: sys.modules.pop(name) for name in mine}
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    build.project.settings.cache_clear()
    yield tmp_path
    for name in [name for name in sys.modules if name == "lab" or name.startswith("lab.")]:
        del sys.modules[name]
    sys.modules.update(aside)
    build.project.settings.cache_clear()


def metric(name: str = "top2", **changes: Any) -> OwnMetric:
    facts: dict[str, Any] = {"better": "higher", "range": [0, 1], "example": EXAMPLE}
    if name not in ("top2", "greedy", "idle", "hungry"):
        facts["example"] = {"target": [1, 0], "value": 0.5}
    return OwnMetric(**{"function": f"lab.scores.{name}"} | facts | changes)


def checked(*metrics: OwnMetric, kind: str = "classification") -> None:
    own.check(metrics, kind, ["accuracy", "nll"])


def test_a_good_metric_passes_and_nothing_is_imported_to_say_so() -> None:
    checked(metric())
    assert "lab.scores" not in sys.modules
    own.prove([metric()])
    assert own.call(metric(), {name: own.as_array(name, EXAMPLE[name]) for name in ("probabilities", "target")}) == (
        0.5,
        None,
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"function": "sklearn.metrics.accuracy_score"}, "metrics[0].function is 'sklearn.metrics.accuracy_score'"),
        ({"function": "lab.top2"}, "metrics[0].function is 'lab.top2'"),
        ({"function": ""}, "metrics[0].function is ''"),
        ({"function": "lab.scores.top3"}, "defines no function top3; did you mean top2?"),
        ({"function": "lab.score.top2"}, "there is no module lab.score; did you mean lab.scores?"),
        ({"function": "lab.scores.Score"}, "defines no function Score"),
        ({"function": "lab.scores.top1"}, "imported ones and classes do not count"),
        ({"better": "up"}, "metrics[0].better is 'up'"),
        ({"range": []}, "metrics[0].range is []"),
        ({"range": [1, 0]}, "metrics[0].range is [1, 0]"),
        ({"range": [0.0, 0.4]}, "it must be a number in [0.0, 0.4]"),
        ({"example": {}}, "example states nothing"),
        ({"example": {"target": [1], "value": 0.5}}, "example: {probabilities: […], target: […], value: …}"),
        ({"example": EXAMPLE | {"value": float("nan")}}, "example.value is nan"),
        ({"example": EXAMPLE | {"value": "half"}}, "example.value is 'half'"),
        ({"second_of": "acuracy"}, "no metric of the harness; did you mean accuracy?"),
    ],
)
def test_a_metric_is_wholly_declared(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(Refusal) as found:
        checked(metric(**changes))
    assert what in str(found.value)


@pytest.mark.parametrize(
    ("name", "takes"), [("greedy", "*arguments"), ("hungry", "target, features"), ("idle", "nothing")]
)
def test_a_metric_takes_arrays_by_name_and_nothing_else(name: str, takes: str) -> None:
    with pytest.raises(Refusal) as found:
        checked(metric(name))
    assert f"lab.scores.{name} takes {takes}" in str(found.value)


def test_values_have_no_probabilities() -> None:
    with pytest.raises(Refusal, match="for a regression task it is given, by name, any of prediction, target"):
        checked(metric(), kind="regression")


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(Refusal, match=r"metrics\[1\] is called top2, and there already is such a metric"):
        checked(metric(), metric())
    with pytest.raises(Refusal, match=r"metrics\[0\] is called top2"):
        own.check([metric()], "classification", ["top2"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vain", "it returned ValueError: assignment destination is read-only"),
        ("broken", "it returned KeyError: 'x'"),
        ("many", "it returned int64 of shape (2,) and not one number"),
        ("nan", "it returned nan, which is no finite number"),
        ("two", "it returned 2.0, which is outside its range [0, 1]"),
        ("text", "and not one number"),
        ("whole", "says 0.5, and it returned 1.0"),
    ],
)
def test_a_worked_example_that_fails_says_what_was_returned(name: str, said: str) -> None:
    with pytest.raises(Refusal) as found:
        own.prove([metric(name)])
    assert f"the worked example of lab.scores.{name} fails" in found.value.what
    assert said in found.value.why


def test_a_metric_that_remembers_is_not_pure() -> None:
    with pytest.raises(Refusal, match=r"it returned 1.0 first and then 2.0"):
        own.prove([metric("moody", range=[0, None], example={"target": [1], "value": 1.0})])


def test_an_example_is_made_of_arrays_of_one_length() -> None:
    with pytest.raises(Refusal, match="holds arrays of 2 probabilities, 1 target"):
        own.prove([metric(example=EXAMPLE | {"target": [1]})])
    with pytest.raises(Refusal, match=r"example\.probabilities is no array"):
        own.prove([metric(example=EXAMPLE | {"probabilities": [[1], [1, 2]]})])
    with pytest.raises(Refusal, match=r"example\.target is \['a', 'b'\]"):
        own.prove([metric(example=EXAMPLE | {"target": ["a", "b"]})])


def test_groups_are_texts() -> None:
    example = {"prediction": [0, 1, 1], "target": [0, 1, 0], "groups": ["a", "a", "b"], "value": 0.0}
    checked(metric("worst_group", example=example))
    own.prove([metric("worst_group", example=example)])
