"""The first version of a record, and the log that a run leaves behind."""

import logging
import shlex
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.provenance.identity import Identity
from receipts.provenance.trace import Sources
from receipts.refusal import Refusal
from receipts.runs import draft
from receipts.runs.log import logged, say

ORIGIN = {"kind": "real", "source": "UCI", "licence": "none", "version": "1"}
SOURCES = Sources(
    "c0ffee",
    ["src/lab/net.py"],
    None,
    {},
    {"data/d": "md5:1"},
    None,
    ORIGIN,
    Path("splits/d.json"),
    Identity(*"123456"),
)


def experiment(conf: str = "net") -> Experiment:
    config = Config(purpose="Is it so?", seed=3, model={"_target_": "lab.net.Net"})
    config.fit.epochs, config.limit.rows, config.limit.epochs = 40, 200, 3
    return Experiment(config, asdict(config), conf, ["smoke"], "digits", ["seed=3"])


def test_a_draft_says_what_is_known_before_anything_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "conf=net", "override=[a=1, b='2']"])
    sources = replace(SOURCES, identity=Identity("9f3c1a7e" * 8, *"23456"))
    record = draft.of(experiment(), sources, ["odd"])
    assert record.run_id.endswith("-net-s3-9f3c1a7e")
    assert (record.status, record.reportable, record.seed, record.names) == ("running", False, 3, ["net"])
    assert record.limit == {"rows": 200, "epochs": 3}
    assert (record.epochs, record.steps, record.deterministic) == (3, None, False)
    assert record.warnings == ["odd"]
    assert record.code.dirty == ["src/lab/net.py"]
    assert shlex.split(record.command) == ["python", "train.py", "conf=net", "override=[a=1, b='2']"]


def test_all_seeds_of_a_method_share_its_hash() -> None:
    one, other, wider = experiment(), experiment(), experiment()
    other.values["seed"], wider.values["model"] = 4, {"_target_": "lab.net.Net", "hidden": 32}
    methods = [draft.of(each, SOURCES, []).method for each in (one, other, wider)]
    assert methods[0] == methods[1] != methods[2]


@pytest.mark.parametrize("conf", ["net", "fashion_cnn", "a-b", "v1.2", "größe", "a+b"])
def test_names_that_can_stand_in_a_folders_name(conf: str) -> None:
    assert f"-{conf}-s3-" in draft.of(experiment(conf), SOURCES, []).run_id


@pytest.mark.parametrize("conf", ["a b", "a/b", "../a", "a--b", "-a", "a-", "", "a\n", "a=b", "a,b", "a*"])
def test_names_that_cannot(conf: str) -> None:
    with pytest.raises(Refusal, match="cannot become part of a run id"):
        draft.of(experiment(conf), SOURCES, [])


def test_everything_said_or_warned_of_is_in_the_log_while_the_run_lasts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with logged(tmp_path):
            say("a line for people")
            logging.getLogger("receipts").info("a step")
            logging.getLogger("lightning.pytorch").info("chatter")
            warnings.warn("something odd", UserWarning, stacklevel=1)
            assert "a line for people" in (tmp_path / "train.log").read_text(), "it is not flushed"
    say("afterwards")
    text = (tmp_path / "train.log").read_text()
    assert "a step" in text
    assert "something odd" in text
    assert "chatter" not in text
    assert "afterwards" not in text
    streams = capsys.readouterr()
    assert streams.out == "a line for people\nafterwards\n"
    assert "something odd" in streams.err
    assert "a step" not in streams.err
    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
