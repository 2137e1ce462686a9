"""The run that `run_id=` means, and the list of all."""

from pathlib import Path

import pytest
from invented import full, running
from stored import RUNS, failed, put

from receipts.refusal import Refusal
from receipts.runs import choice, overview
from receipts.runs import record as records


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_run_is_found_by_its_id_or_by_a_beginning_that_only_it_has() -> None:
    put(full("a", second=1))
    put(full("b", second=2))
    put(full("b", second=22))
    assert choice.select("20261120-133701-net-s0-aaaaaaaa").identity.id == "a" * 64
    assert choice.select("20261120-133701").identity.id == "a" * 64
    put(full("c", second=23))
    with pytest.raises(Refusal, match="20261120-13372 is the beginning of 2 runs") as found:
        choice.select("20261120-13372")
    assert "20261120-133723-net-s0-cccccccc, 20261120-133722-net-s0-bbbbbbbb" in found.value.why
    with pytest.raises(Refusal, match="there is no run 2025"):
        choice.select("2025")


def test_an_id_that_another_one_begins_with_is_still_an_id() -> None:
    put(full("a"))
    longer = full("a")
    longer.run_id += "0"
    put(longer)
    assert choice.select("20261120-133700-net-s0-aaaaaaaa").run_id == "20261120-133700-net-s0-aaaaaaaa"


@pytest.mark.parametrize("wanted", ["", "..", "../runs", "/etc", "a/b", "a\\b", ".new-abc", "../../x/record.json"])
def test_what_leads_out_of_the_folder_is_no_id(wanted: str) -> None:
    (Path("x")).mkdir()
    (Path("x") / "record.json").write_bytes(records.encode(full()))
    with pytest.raises(Refusal, match="is no run id"):
        choice.select(wanted)


@pytest.mark.parametrize("wanted", ["*", "?", "[2]", "latest*", "LATEST", "20261120-133700-net-s0-aaaaaaaa\0", " "])
def test_patterns_are_no_ids(wanted: str) -> None:
    put(full())
    with pytest.raises(Refusal, match=r"there is no run|is no run id"):
        choice.select(wanted)


def test_latest_is_the_newest_that_completed() -> None:
    put(full("a", second=1))
    put(full("b", second=2))
    put(failed("c", second=3))
    put(running("d", second=4))
    assert choice.select("latest").identity.id == "b" * 64


def test_an_unreadable_record_is_a_row_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    put(full("a"))
    broken = put(full("b", second=1))
    (RUNS / broken.run_id / "record.json").write_text("{")
    put(failed("c", second=2))
    overview.show(None)
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert rows[1:] == [
        ["20261120-133702-net-s0-cccccccc", "failed"],
        ["20261120-133701-net-s0-bbbbbbbb", "unreadable"],
        ["20261120-133700-net-s0-aaaaaaaa", "completed"],
    ]
    overview.show("other")
    assert "aaaaaaaa" not in capsys.readouterr().out


def test_an_id_is_whole_on_a_narrow_screen_and_a_row_in_a_pipe_ends_with_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = put(failed("a")).run_id
    overview.show(None)
    assert not any(line.endswith(" ") for line in capsys.readouterr().out.splitlines())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    overview.show(None)
    assert run in capsys.readouterr().out
