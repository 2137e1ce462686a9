"""What people read of a run: complete, in words, and a table that no text in it can break."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import full, running, score

from receipts.refusal import CHECK_FAILED, DONE
from receipts.runs import views
from receipts.runs.record import Check, Cost, Failure, Opening, Record

TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(["a|b", "line\nbreak", "cr\rlf\r\n", "`tick`", "||"])


def cells(line: str) -> list[str]:
    """The cells of a row of a Markdown table; a pipe behind a backslash is text."""
    return re.split(r"(?<!\\)\|", line)[1:-1]


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The table below a heading: the first cell of each row to the others."""
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in re.split(r"\r\n|\r|\n", section) if line.startswith("|")]
    return {cells(line)[0].strip(): [cell.strip() for cell in cells(line)[1:]] for line in lines}


def test_a_complete_run_answers_what_a_stranger_asks() -> None:
    text = views.readme(full(), [])
    assert text.startswith(
        "# 20261120-133700-net-s0-aaaaaaaa\n\n**Is it so?**\n\nThis run is complete; its numbers may"
    )
    ran = rows(text, "What ran")
    assert ran["experiment"] == ["`conf/net.yaml`, preset full, seed 0"]
    assert ran["differs from that file"] == ["`seed=3`"]
    assert ran["data"] == ["UCI, version 1, real, CC BY 4.0"]
    assert ran["method"] == ["on cpu, 1 thread, 32-true, 93,962 parameters"]
    assert ran["weights"] == ["`checkpoints/best.ckpt` (max val accuracy, epoch 21)"]
    assert ran["code"] == ["commit `c0ffeec0ffee`"]
    assert ran["cost"] == ["31.0 s, at most 760 MiB"]
    assert ran["test opened"] == ["1 time"]
    assert ran["command"] == ["`python train.py conf=net`"]
    numbers = rows(text, "Numbers")
    assert numbers["metric"] == ["val (n=359)", "test (n=360)", "what it means"]
    assert numbers["accuracy ↑"] == ["0.9000", "0.8000", "share of samples whose class was found"]
    assert numbers["nll ↓"] == ["0.2500", "0.2500", r"mean of -log p \| of the true class"]
    assert numbers["auroc ↑"][0] == r"undefined: one class \| only"
    assert rows(text, "Checks")["val-rescored"] == ["pass: 359 of 359 ids once"]
    assert "eval.py" not in text.split("## Where to look next")[1]


def test_a_run_that_has_not_ended_says_so() -> None:
    text = views.readme(running(purpose="", conf="net"), [])
    assert "**No purpose was stated.**" in text
    assert "is running and **not reportable**: it has not ended." in text
    assert "Nothing was scored." in text
    assert "None were run." in text
    assert rows(text, "What ran")["cost"] == ["unknown"]
    assert "`python eval.py run_id=20261120-133700-net-s0-aaaaaaaa` scores the test split, once" in text


def test_a_run_that_failed_says_why() -> None:
    text = views.readme(running(status="failed", failure=Failure("loss is NaN", [])), [])
    assert "This run **failed**: loss is NaN" in text


def test_what_blocks_a_number_stands_above_it() -> None:
    text = views.readme(full(reportable=False, blocked_by=["limit: rows 200", "the data are SYNTHETIC"]), [])
    assert "is completed and **not reportable**: limit: rows 200; the data are SYNTHETIC." in text
    record = full()
    record.code.dirty = ["src/lab/net.py"]
    assert "with uncommitted changes (`code.patch`)" in views.readme(record, [])


def test_the_newest_score_of_a_split_is_shown() -> None:
    text = views.readme(full(scores=[score("val", 0.1), score("val", 0.7)]), [])
    assert rows(text, "Numbers")["accuracy ↑"][0] == "0.7000"


def test_a_csv_that_holds_only_the_worst_says_so() -> None:
    assert "every one" in views.readme(full(scores=[score(n=10_000)]), [])
    assert "the first 10,000 of 10,001" in views.readme(full(scores=[score(n=10_001)]), [])


@given(st.lists(TEXTS, min_size=8, max_size=8))
def test_no_text_breaks_a_table(texts: list[str]) -> None:
    record = full(overrides=[texts[0]], command=texts[1], checks=[Check("c", "fail", texts[2])])
    record.data.source, record.data.licence = texts[3], texts[4]
    metric = record.scores[0].metrics["auroc"]
    metric.definition, metric.undefined = texts[5], texts[6]
    record.world.device = texts[7]
    text = views.readme(record, [])
    plain = views.readme(full(), [])
    for heading in ("What ran", "Numbers", "Checks"):
        found, expected = rows(text, heading), rows(plain, heading)
        assert [len(others) for others in found.values()] == [len(others) for others in expected.values()]


def test_the_views_are_written_beside_the_record(tmp_path: Path) -> None:
    record = full()
    views.write(tmp_path, record)
    assert (tmp_path / "README.md").read_text() == views.readme(record, [])
    assert json.loads((tmp_path / "metrics.json").read_text()) == {
        "run_id": record.run_id,
        "status": "completed",
        "reportable": True,
        "metrics": {
            "val": {"accuracy": 0.9, "nll": 0.25, "auroc": None},
            "test": {"accuracy": 0.8, "nll": 0.25, "auroc": None},
        },
    }


@pytest.mark.parametrize(
    ("record", "code", "lines"),
    [
        (
            full(scores=[score()], openings=[]),
            DONE,
            ["completed", "val   nll 0.2500  accuracy 0.9000  auroc undefined", "next  python eval.py run_id=2026"],
        ),
        (full(), DONE, ["test  nll 0.2500", "next  less runs/20261120-133700-net-s0-aaaaaaaa/README.md"]),
        (
            full(
                checks=[Check("lineage", "fail", "it differs")], reportable=False, blocked_by=["check failed: lineage"]
            ),
            CHECK_FAILED,
            ["completed  not reportable: check failed: lineage", "CHECK FAILED  lineage: it differs"],
        ),
    ],
)
def test_a_finished_run_in_a_few_lines_with_its_exit_code(
    record: Record, code: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert views.show(record, "nll") == code
    out = capsys.readouterr().out
    for line in lines:
        assert line in out


def test_a_cost_without_parameters_leaves_them_out() -> None:
    record = full(cost=Cost(1.0, 1.0, 100.0, None, None), openings=[Opening("test", "t", "eval.py", "c")] * 2)
    ran = rows(views.readme(record, []), "What ran")
    assert "parameters" not in ran["method"][0]
    assert ran["test opened"] == ["2 times"]
