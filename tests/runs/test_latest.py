"""`latest:CONF`: the newest completed run with exactly the values that the file of CONF states today."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from folders import commit
from invented import full
from launching import Ended

from receipts.config.compose import compose
from receipts.provenance.identity import config_hash
from receipts.refusal import Refusal
from receipts.runs import choice
from receipts.runs import record as records

Start = Callable[..., Ended]


def put(second: int, *words: str) -> str:
    """A completed run of what a command line means; returns its id."""
    asked = compose(*words)
    run = full("abcdef"[second], asked.conf, second, overrides=asked.overrides, preset=asked.preset)
    run.identity = type(run.identity)(run.identity.id, config_hash(asked.values), *"1234")
    folder = Path("runs") / run.run_id
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(records.encode(run))
    return run.run_id


def found(conf: str) -> str:
    return choice.select(f"latest:{conf}").run_id


@pytest.mark.usefixtures("here")
def test_runs_with_other_values_do_not_count_whoever_typed_them() -> None:
    plain = put(0, "conf=net")
    put(1, "conf=net", "seed=3")
    put(2, "conf=net", "preset=smoke")
    wider = put(3, "conf=wider")
    hardware = put(4, "conf=net", "trainer=cpu")
    assert found("net") == hardware
    assert found("twin") == hardware
    assert found("wider") == wider
    assert plain != hardware


@pytest.mark.usefixtures("here")
def test_the_same_values_typed_by_hand_are_the_experiment() -> None:
    by_hand = put(0, "conf=net", "model.hidden=32")
    assert found("wider") == by_hand
    with pytest.raises(Refusal, match="there is no completed run of net as its file states it"):
        choice.select("latest:net")


@pytest.mark.usefixtures("here")
def test_a_file_that_changed_since_has_no_run_yet() -> None:
    old = put(0, "conf=net")
    path = Path("conf/net.yaml")
    before = path.read_text()
    path.write_text(before.replace("seed: 0", "seed: 1"))
    with pytest.raises(Refusal, match="there is no completed run of net"):
        choice.select("latest:net")
    new = put(1, "conf=net")
    assert found("net") == new
    path.write_text(before)
    assert found("net") == old


@pytest.mark.usefixtures("here")
def test_a_deterministic_method_has_no_seed() -> None:
    assert put(0, "conf=linear", "seed=7") == found("linear")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("conf", ["nobody", "net.yaml.yaml", "../net", "a,b", "net seed=1", "*"])
def test_an_experiment_without_a_file_has_no_run(conf: str) -> None:
    put(0, "conf=net")
    with pytest.raises(Refusal, match="there is no completed run of") as refused:
        found(conf)
    assert refused.value.fix == f"python train.py conf={conf}"


def test_the_number_shown_is_that_of_the_file(here: Path, run: Start) -> None:
    """Change an experiment, run it, change it back: training is skipped, and the older run is the one shown."""
    path = here / "conf/linear.yaml"
    before = path.read_text()
    for text in (before, before.replace("C: 1.0", "C: 0.0001"), before):
        if path.read_text() != text:
            path.write_text(text)
            commit(here)
        assert (done := run("train.py", "conf=linear")).code == 0, done.err
    done = run("eval.py", "run_id=latest:linear", "split=val")
    assert done.code == 0, done.err
    (shown,) = re.findall(r"^run (\S+)", done.out, re.MULTILINE)
    assert "C: 1.0" in (here / "runs" / shown / "config.yaml").read_text()
    assert len(list((here / "runs").glob("*/record.json"))) == 2
