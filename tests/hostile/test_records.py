"""Records that somebody altered: refused with a reason, whatever reads them, and nothing they name is looked for."""

import json
from pathlib import Path
from typing import Any

import pytest
from traps import Trap

from receipts import cli
from receipts.refusal import REFUSED, Refusal
from receipts.report.collect import collect
from receipts.runs import choice
from receipts.runs import record as records

OUT = "../../../victim"
VALUES: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "id with a way up": (("run_id",), "../../victim"),
    "id that is absolute": (("run_id",), "/etc/passwd"),
    "id with NUL": (("run_id",), "run\0"),
    "id with a line end": (("run_id",), "run\n"),
    "id of Windows": (("run_id",), "..\\..\\victim"),
    "id that is hidden": (("run_id",), ".ssh"),
    "id that is an option": (("run_id",), "--output=x"),
    "id without end": (("run_id",), "a" * 300),
    "experiment with a way up": (("conf",), "../../victim"),
    "predictions outside": (("scores", 0, "file"), OUT),
    "predictions absolute": (("scores", 0, "file"), "/etc/passwd"),
    "predictions of Windows": (("scores", 0, "file"), "C:\\secret.parquet"),
    "predictions on a drive": (("scores", 0, "file"), "C:secret.parquet"),
    "predictions here": (("scores", 0, "file"), "."),
    "predictions of nothing": (("scores", 0, "file"), ""),
    "predictions with a hidden way up": (("scores", 0, "file"), "predictions/./../../x"),
    "predictions with NUL": (("scores", 0, "file"), "predictions/val\0.parquet"),
    "predictions without end": (("scores", 0, "file"), "p" * 100_000),
    "split with a way up": (("scores", 0, "split"), "../x"),
    "fewer than no samples": (("scores", 0, "n"), -1),
    "moment that is none": (("scores", 0, "at"), "2026-02-31T00:00:00Z"),
    "ragged confusions": (("scores", 0, "confusion"), [[1, 2], [3]]),
    "checkpoint outside": (("checkpoint",), {"file": OUT, "epoch": 1, "rule": "", "weights": "ab"}),
    "checkpoint absolute": (("checkpoint",), {"file": "/etc/passwd", "epoch": 1, "rule": "", "weights": "ab"}),
    "evidence outside": (("checks",), [{"code": "a", "verdict": "pass", "evidence": "", "file": OUT}]),
    "parent outside": (("parent",), "../../victim"),
    "manifest outside": (("data", "manifest"), "../../victim.json"),
    "data outside": (("data", "files"), {"../../victim": "md5:0"}),
    "commit that is an option": (("code", "commit"), "--output=canary"),
    "commit that is a program": (("code", "commit"), "HEAD;touch canary"),
    "process before all others": (("process", "pid"), -1),
    "process beyond all others": (("process", "pid"), 2**40),
    "heartbeat that is none": (("heartbeat",), "yesterday"),
    "seed that is text": (("seed",), "0"),
    "unknown field": (("surprise",), 1),
    "schema of another kind": (("schema",), "one"),
    "schema of tomorrow": (("schema",), 99),
    "status of another kind": (("status",), "done"),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_that_is_none_of_ours_refuses_the_record(trap: Trap, case: str) -> None:
    (*way, last), value = VALUES[case]
    folder = trap.run()
    facts = json.loads((folder / "record.json").read_text())
    inner = facts
    for step in way:
        inner = inner[step]
    inner[last] = value
    (folder / "record.json").write_text(json.dumps(facts))
    refused(folder)


TEXTS = {
    "not a number": lambda text: text.replace('"value": 0.9', '"value": NaN', 1),
    "infinity": lambda text: text.replace('"value": 0.9', '"value": Infinity', 1),
    "beyond every number": lambda text: text.replace('"value": 0.9', '"value": 1e999', 1),
    "a key that stands twice": lambda text: text.replace('"seed": 0,', '"seed": 0, "seed": 1,', 1),
    "a value that stands twice": lambda text: text.replace('"value": 0.9', '"value": 0.9, "value": 0.1', 1),
    "nested without end": lambda text: text.replace('"parameters": {}', f'"parameters": {"[" * 100_000}', 1),
    "cut short": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: "!!python/object/apply:os.system ['touch canary']",
    "a list": lambda text: f"[{text}]",
    "nothing": lambda text: "",
    "half a sign": lambda text: text.replace('"Why?"', '"\\ud800"', 1),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_that_no_writer_here_leaves_refuses_the_record(trap: Trap, case: str) -> None:
    folder = trap.run()
    path = folder / "record.json"
    before = path.read_text()
    path.write_text(after := TEXTS[case](before))
    assert after != before
    refused(folder)


def refused(folder: Path) -> None:
    """Whoever reads the folder says why it cannot, and goes on where others are read as well."""
    with pytest.raises(Refusal) as told:
        records.read(folder)
    assert str(folder) in told.value.what
    found = collect()
    assert found.records == []
    assert folder.name in found.broken
    assert cli.main(["ls"]) == 0
    assert cli.main(["show", folder.name]) == REFUSED
    assert cli.main(["diff", folder.name, folder.name]) == REFUSED


def test_a_record_under_another_runs_name_is_refused(trap: Trap) -> None:
    folder = trap.run()
    other = folder.rename(folder.with_name("20261120-133709-net-s9-9f3c1a7e"))
    with pytest.raises(Refusal, match="is the record of another run"):
        records.read(other)
    assert "the record inside is that of" in collect().broken[other.name]


def test_an_honest_record_of_an_older_core_is_read(trap: Trap) -> None:
    folder = trap.run()
    facts = json.loads((folder / "record.json").read_text())
    for later in ("removed", "silent_since", "sentinels"):
        del facts[later]
    (folder / "record.json").write_text(json.dumps(facts))
    assert records.read(folder).conf == "net"
    assert [record.run_id for record in collect().records] == [folder.name]


@pytest.mark.parametrize(
    "wanted", ["../victim", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "C:x", "run\0", "~/x\n", "x" * 5000, "-rf"]
)
def test_no_word_that_names_a_run_leads_anywhere_else(trap: Trap, wanted: str) -> None:
    trap.run()
    with pytest.raises(Refusal):
        choice.select(wanted)
