"""What the static rules read beside code, what they only advise, and what a run does about a fault."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folders import commit, write
from launching import Ended
from ruled import IMPORTS, experiment, found

from receipts.evaluation.metrics import TABLE
from receipts.guards.static import advice, averaging, flags, monitored, spelling
from receipts.guards.static.source import Source, is_of_test, words

Start = Callable[..., Ended]


def test_switches_of_the_yaml_are_read_too() -> None:
    assert found(flags.left_on, "", data={"_target_": "lab.net.Data", "debug": True}) == ["data.debug is True"]
    nested = [{"_target_": "lab.net.Own", "inner": {"limit_train_batches": 0.1}}]
    assert found(flags.left_on, "", augment=nested) == ["augment[0].inner.limit_train_batches is 0.1"]
    assert found(flags.left_on, "", data={"_target_": "lab.net.Data", "debug": False, "rows": 3}) == []


def test_the_harness_metrics_are_known_by_their_direction() -> None:
    for table in TABLE.values():
        for name, definition in table.items():
            assert monitored.better(f"val/{name}") == {"higher": "max", "lower": "min"}[definition.better], name


def test_words_and_letters() -> None:
    assert words("X_te") == ["x", "te"]
    assert words("dataTest/top5Acc") == ["data", "test", "top5", "acc"]
    assert [name for name in ("X_test", "p_te", "test", "te", "n_test", "train_test_split") if is_of_test(name)] == [
        "X_test",
        "p_te",
        "test",
    ]
    assert [
        spelling.apart(a, b) for a, b in (("grad", "grda"), ("grad", "grad"), ("a", "abcd"), ("kitten", "sitting"))
    ] == [
        1,
        0,
        3,
        3,
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass", "swallowed"),
        ("x = cfg.get('lr', 0.1)", "misspelt key"),
        ("x = F.softmax(z)", "guesses the axis"),
        ("layer = nn.Softmax()", "guesses the axis"),
        ("net.load_state_dict(s, strict=False)", "strict=False"),
        ("x = np.random.rand(3)", "everybody shares"),
        ("x = F.dropout(x, 0.5, training=True)", "is that meant"),
        ("x = F.softmax(z, dim=-1)", ""),
        ("x = z.softmax(-1)", ""),
        ("try:\n    f()\nexcept KeyError:\n    pass", ""),
        ("x = table.get('lr', 0.1)", ""),
        ("rng = np.random.default_rng(0)", ""),
    ],
)
def test_advice_fails_nothing(code: str, told: str) -> None:
    source = Source(Path("net.py"), ast.parse(IMPORTS + "from torch import nn\n" + code))
    lines = [line for node in ast.walk(source.tree) for rule in advice.RULES if (line := rule(source, node))]
    assert told in " ".join(lines)
    assert bool(lines) is bool(told)


EMA = {"_target_": "lightning.pytorch.callbacks.EMAWeightAveraging"}


@pytest.mark.parametrize(
    ("code", "callbacks", "declared", "kept", "told"),
    [
        ("", [], None, False, ""),
        ("", [], "scored", False, "nothing averages weights"),
        ("", [EMA], "scored", True, ""),
        ("", [EMA], "raw", True, "EMAWeightAveraging leaves the average in their place"),
        ("", [{"_target_": "lab.average.Average"}], "raw", True, ""),
        ("self.twin = AveragedModel(net)", [], "scored", True, ""),
        ("self.ema = copy(net)", [], "raw", True, ""),
        ("self.average = x.mean()\nclass AverageTemperature: ...", [], None, False, ""),
    ],
)
def test_an_average_of_weights_and_what_is_declared_of_it(
    code: str, callbacks: list[Any], declared: str | None, kept: bool, told: str
) -> None:
    given, sources = experiment(callbacks=callbacks), [Source(Path("net.py"), ast.parse(code))]
    given.config.facts.ema = declared
    assert bool(list(averaging.keepers(sources, given))) is kept
    found = " ".join(averaging.as_declared(sources, given))
    assert (told in found, bool(found)) == (True, bool(told))


def test_a_static_fault_fails_the_run_before_anything_is_imported_and_a_waiver_lets_it_pass(
    project: Path, run: Start
) -> None:
    net = (project / "src/lab/net.py").read_text()
    write(project, "src/lab/net.py", net.replace("nn.Dropout(dropout)", "nn.Dropout(0.5)"))
    commit(project)
    failed = run("train.py", "conf=net", "preset=smoke")
    assert failed.code == 4
    assert "the check unused-argument failed" in failed.err
    assert "Net takes dropout and never reads it" in failed.err
    assert run("receipts", "check", "static", "conf=net").code == 4
    waived = run("train.py", "conf=net", "preset=smoke", "retry=true", "+waive={unused-argument: kept for old configs}")
    assert waived.code == 0, waived.err
    (newest, *_) = sorted(project.glob("runs/*/README.md"), key=lambda path: path.stat().st_mtime, reverse=True)
    assert "waived: kept for old configs (waived by " in newest.read_text()
    assert "; it saw: src/lab/net.py" in newest.read_text()
