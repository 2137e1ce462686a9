"""What may go and what stays."""

import json
import socket
from pathlib import Path

import pytest
from filelock import FileLock
from records import made, score, stored

from receipts.refusal import Refusal
from receipts.runs import gc
from receipts.runs.process import this_process
from receipts.runs.record import Opening, Process


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    return tmp_path


def named(*numbers: int) -> None:
    Path("report").mkdir(exist_ok=True)
    cells = {f"main.{number}": {"value": 0.5, "runs": [made(number).run_id]} for number in numbers}
    gc.NUMBERS.write_text(json.dumps(cells))


def seeds() -> list[str]:
    return sorted(path.name[-10:-9] for path in Path("runs").glob("2*"))


def test_running_named_parents_and_unreadable_runs_stay(capsys: pytest.CaptureFixture[str]) -> None:
    stored(made(0, parent=made(1).run_id))
    stored(made(1, parent=made(2).run_id))
    stored(made(2))
    stored(made(3, status="running", process=this_process()))
    stored(made(4, status="running", process=Process(socket.gethostname(), 2**22 + 1, 0.0)))  # stale
    (stored(made(5)) / "record.json").write_text("{")
    stored(made(6, status="failed"))
    named(0)
    gc.collect(remove=True)
    assert seeds() == list("01235")
    said = capsys.readouterr().out
    for number, reason in ((0, "named by the report"), (1, "a named run began from it"), (3, "running")):
        assert f"keep    {made(number).run_id}  {reason}" in said
    assert f"keep    {made(5).run_id}  unreadable" in said
    assert "removed 2 runs" in said
    assert not list(Path("runs").glob(".gone*"))


def test_the_ledger_of_openings_survives(capsys: pytest.CaptureFixture[str]) -> None:
    opening = Opening("test", "2026-11-20T13:38:00Z", "eval.py", "c0ffee")
    folder = stored(made(0, score(), openings=[opening]))
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/best.ckpt").write_bytes(b"weights")
    stored(made(1))
    named(1)
    gc.collect(remove=True)
    assert "removed 1 runs, 7 bytes" in capsys.readouterr().out
    assert (folder / "record.json").is_file()
    assert not (folder / "checkpoints/best.ckpt").exists()
    gc.collect(remove=False)
    assert "would remove 0 runs, 0 bytes" in capsys.readouterr().out


def test_a_stage_without_its_run_is_not_done() -> None:
    (Path("runs") / "stages").mkdir()
    for number in (0, 1):
        stored(made(number))
        (Path("runs") / "stages" / f"conf{number}").write_text(f"{made(number).run_id}\n")
    named(1)
    gc.collect(remove=False)
    assert len(list(Path("runs/stages").glob("*"))) == 2
    gc.collect(remove=True)
    assert [path.name for path in Path("runs/stages").glob("*")] == ["conf1"]


def test_a_run_that_is_being_written_to_stays(capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored(made(0))
    stored(made(1))
    named(1)
    with FileLock(folder / ".record.lock"):
        gc.collect(remove=True)
    assert seeds() == ["0", "1"]
    assert "it is being written to" in capsys.readouterr().out


def test_numbers_of_another_project_remove_nothing() -> None:
    stored(made(0))
    named(1)
    with pytest.raises(Refusal, match="names none of the 1 runs here"):
        gc.collect(remove=True)
    gc.NUMBERS.write_text("{")
    with pytest.raises(Refusal, match="cannot be read"):
        gc.collect(remove=True)
    assert seeds() == ["0"]
