"""A run that a report rests on does not go unnoticed: nothing is written without it, unless somebody says so."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from launching import launch
from recorded import asked, planned, ran, reported, seeds

from receipts.config import reporting
from receipts.config.questions import Reporting
from receipts.refusal import Refusal
from receipts.report import build, collect, lock, output, selection
from receipts.runs import gc, printed, pulling
from receipts.runs.record import Failure, Record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runs(lab: Path) -> list[Record]:
    """Three seeds of one experiment and a failed run, of which a report was made."""
    asked("tables:\n  main: {rows: [net]}\nfigures: []\n")
    ran("net", 9, second=50, splits=(), status="failed", reportable=False, failure=Failure("NaN in the loss", []))
    found = seeds("net", 0.9, 3)
    write()
    return found


def write(folder: str = "report", **allow: str) -> None:
    output.write(
        reported(Reporting(allow={name.replace("_", "-"): reason for name, reason in allow.items()})), Path(folder)
    )


def remove(run: Record) -> None:
    shutil.rmtree(Path("runs") / run.run_id)


def contents(folder: Path) -> dict[Path, bytes]:
    paths = [*(folder / "report").rglob("*"), folder / "EXPERIMENTS.md"]
    return {path: path.read_bytes() for path in paths if path.is_file()}


def halved(run: Record) -> None:
    (Path("runs") / run.run_id / "record.json").write_text("{")


def newest_of_two(run: Record) -> None:
    """An older version is left, which a report would fall back to."""
    ran("net", 4, second=0, code="0lder")
    for path in Path("runs").glob("*-net-s[0-2]-*"):
        shutil.rmtree(path)


@pytest.mark.parametrize(
    ("befell", "why"),
    [(remove, "its folder is gone"), (halved, "is not a readable record"), (newest_of_two, "its folder is gone")],
)
def test_a_report_is_not_replaced_by_one_without_a_run_that_it_prints(
    lab: Path, runs: list[Record], befell: Callable[[Record], None], why: str
) -> None:
    before = contents(lab)
    befell(runs[1])
    with pytest.raises(Refusal, match="report/ prints numbers of") as caught:
        write()
    told = caught.value
    assert runs[1].run_id in told.why
    assert why in told.why
    assert "a new report would say something else of main.net" in told.why
    assert "python train.py conf=net seed=1 && python eval.py run_id=latest" in told.fix
    assert "python report.py source=mlflow" in told.fix
    assert "allow={lost-runs: REASON}" in told.fix
    assert contents(lab) == before
    write("another")


def test_a_plan_makes_its_lost_runs_again_and_says_how(lab: Path) -> None:
    asked("figures: []\n")
    base, narrow = seeds("net", 0.9, 3), seeds("net", 0.7, 3, second=10, model={"width": 1})
    planned("net", {"net": base, "narrow": narrow})
    write()
    for run in narrow:
        remove(run)
    with pytest.raises(Refusal, match="numbers of 3 runs") as caught:
        write()
    assert "make them again: python ablate.py conf=net test=true      (or" in caught.value.fix
    assert f"{narrow[0].run_id}: 20261120-150000-net-abcdef01 names it (narrow, seed 0)" in caught.value.why


def test_a_run_that_the_server_no_longer_has_is_missed_in_a_report_of_the_server(lab: Path) -> None:
    asked("figures: []\n")
    found = seeds("net", 0.9, 3)
    place = Path("runs/.pulled/abcdef01")
    place.mkdir(parents=True)
    for run in found:
        (Path("runs") / run.run_id).rename(place / run.run_id)

    def of_the_server() -> None:
        here = collect.collect(place)
        chosen = selection.select(here, reporting.load(), {})
        output.write(build.report(here, chosen, lock.refuse_mixtures(chosen.drafts, {})), Path("report"))

    of_the_server()
    (place / pulling.WITHDRAWN).mkdir()
    (place / found[0].run_id).rename(place / pulling.WITHDRAWN / found[0].run_id)
    with pytest.raises(Refusal) as caught:
        of_the_server()
    assert f"{found[0].run_id}: the server no longer has it" in caught.value.why
    assert caught.value.fix.startswith("receipts sync, where they were made; or make them again: python train.py")


def nobody_was_here(runs: list[Record]) -> None:
    """A fresh clone: the report of its authors, and none of their runs."""
    (Path("runs") / printed.NAME).unlink()


def unreadable_memory(runs: list[Record]) -> None:
    (Path("runs") / printed.NAME).write_text('{"a": 1}')


def made_again(runs: list[Record]) -> None:
    ran("net", 1, 0.9, second=40)


def superseded(runs: list[Record]) -> None:
    seeds("net", 0.9, 2, second=40, code="newer")


def other_report(runs: list[Record]) -> None:
    """The report that lies there is a colleague's."""
    path = Path("report/numbers.json")
    path.write_text(path.read_text().replace(runs[1].run_id, "20260101-000000-net-s1-0000000a"))


def no_report(runs: list[Record]) -> None:
    Path("report/numbers.json").write_text("{")


def put_back(runs: list[Record]) -> None:
    ran("net", 1, 0.9, second=1)


@pytest.mark.parametrize(
    "then",
    [nobody_was_here, unreadable_memory, made_again, superseded, other_report, no_report, put_back],
)
def test_a_run_that_is_not_missed_stops_nothing(
    lab: Path, runs: list[Record], then: Callable[[list[Record]], None]
) -> None:
    remove(runs[1])
    then(runs)
    write()
    write()


def test_a_run_that_was_made_again_and_came_to_nothing_is_still_missed(lab: Path, runs: list[Record]) -> None:
    remove(runs[1])
    ran("net", 1, second=40, splits=(), status="failed", reportable=False, failure=Failure("NaN in the loss", []))
    with pytest.raises(Refusal, match="report/ prints numbers of 1 run"):
        write()


def test_a_run_that_nothing_printed_may_go(lab: Path, runs: list[Record]) -> None:
    shutil.rmtree(next(Path("runs").glob("*-net-s9-*")))
    write()


def test_what_gc_removes_is_not_missed(lab: Path, runs: list[Record]) -> None:
    write("another")
    later = seeds("net", 0.9, 1, second=40, code="newer")
    write()
    gc.collect(remove=True)
    assert [path.name for path in sorted(Path("runs").glob("2*"))] == [later[0].run_id]
    remove(later[0])
    ran("net", 0, second=41, code="other")
    write("another")


def test_a_loss_that_is_accepted_is_printed_with_its_reason(lab: Path, runs: list[Record]) -> None:
    shutil.copy(ROOT / "report.py", lab)
    remove(runs[1])
    word = "allow={lost-runs: the disk died}"
    done = launch(lab, "report.py", word)
    assert (done.code, done.err) == (0, "")
    mark = f"LOST RUNS: the disk died ({runs[1].run_id})"
    assert mark in (lab / "report/tables/main.md").read_text()
    assert launch(lab, "report.py", "check=true", word).code == 0
    assert runs[1].run_id not in json.dumps(json.loads((lab / "report/numbers.json").read_text())["receipts"])
    write()
    assert mark not in (lab / "report/tables/main.md").read_text()


@pytest.mark.parametrize(
    ("number", "what"), [(errno.ENOSPC, "a full disk"), (errno.EIO, "a disk that answers with errors")]
)
def test_a_disk_that_gives_way_while_a_report_is_written_is_refused_and_leaves_the_old_one(
    runs: list[Record], lab: Path, monkeypatch: pytest.MonkeyPatch, number: int, what: str
) -> None:
    before = contents(lab)

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(output.technical, "write", full)
    with pytest.raises(Refusal, match=f"report/ is on {what}"):
        write()
    assert contents(lab) == before
