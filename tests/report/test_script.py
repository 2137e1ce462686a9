"""report.py as people start it: exit codes, what it says, and what it leaves alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from launching import launch
from recorded import asked, planned, ran, three

from receipts.report import output
from receipts.runs import record as records

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(lab: Path) -> Path:
    """A project with three methods and the script."""
    shutil.copy(ROOT / "report.py", lab)
    three()
    return lab


def bytes_of(folder: Path) -> dict[Path, bytes]:
    files = [*(folder / "report").rglob("*"), folder / "EXPERIMENTS.md"]
    return {path: path.read_bytes() for path in files if path.is_file()}


def test_a_report_is_made_without_torch_lightning_or_mlflow(started: Path) -> None:
    heavy = ("torch", "lightning", "torchmetrics", "mlflow")
    code = (
        "import runpy, sys\n"
        "sys.argv = ['report.py']\n"
        "try:\n    runpy.run_path('report.py', run_name='__main__')\n"
        f"finally:\n    print('loaded', *[name for name in {heavy} if name in sys.modules])\n"
    )
    words = [sys.executable, "-W", "error", "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, cwd=started, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"
    assert (started / "report/tables/digits.tex").is_file()


def test_it_says_what_it_made_and_where_to_look(started: Path) -> None:
    done = launch(started, "report.py")
    assert (done.code, done.err) == (0, "")
    assert "digits  test, 3 rows" in done.out
    assert "runs  11 of 11 are in a table; test was opened 0 times" in done.out
    assert "next  " in done.out


def test_runs_that_are_gone_or_cannot_be_read_are_told_of(started: Path) -> None:
    gone, half = sorted((started / "runs").glob("*-net-*"))[:2]
    planned("net", {"net": [records.read(path) for path in (gone, half)]})
    shutil.rmtree(gone)
    (half / "record.json").write_text("{")
    done = launch(started, "report.py")
    assert done.code == 0
    assert f"  LOST  {half.name}: runs/{half.name}/record.json is not a readable record" in done.out
    assert (
        f"  LOST  {gone.name}: 20261120-150000-net-abcdef01 names it (net, seed 0), and its folder is gone" in done.out
    )


def test_a_report_that_was_killed_between_two_renames_comes_back(tmp_path: Path) -> None:
    for name in (
        ".report-abcdefgh-old",
        ".report-abcdefgh",
        ".report-zzzzzzzz",
        ".report-anonymous-abcdefgh",
        "report-b",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gauntlet.json").write_text(name)
    output.recover(tmp_path / "report")
    assert (tmp_path / "report" / "gauntlet.json").read_text() == ".report-abcdefgh-old"
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".report-anonymous-abcdefgh", "report", "report-b"]
    (tmp_path / ".report-abcdefgh-old").mkdir()
    output.recover(tmp_path / "report")  # killed after the second one: the new report is there
    assert (tmp_path / "report" / "gauntlet.json").is_file()
    assert not (tmp_path / ".report-abcdefgh-old").exists()


def test_wrong_input_is_refused_and_nothing_is_overwritten(started: Path) -> None:
    assert launch(started, "report.py").code == 0
    before = bytes_of(started)
    for words in (["folder=conf"], ["allow={mixed: x}"], ["source=there"], ["chek=true"], ["check=true", "tex=no.tex"]):
        done = launch(started, "report.py", *words)
        assert done.code == 3, words
        assert done.err.startswith("REFUSED"), done.err
    asked("tables:\n  main: {rows: [net], columns: [acuracy]}\n")
    done = launch(started, "report.py")
    assert done.code == 3
    assert "did you mean accuracy?" in done.err
    (started / "EXPERIMENTS.md").write_bytes(b"\xff")
    asked("")
    assert launch(started, "report.py").code == 3
    (started / "EXPERIMENTS.md").write_bytes(before[started / "EXPERIMENTS.md"])
    assert bytes_of(started) == before


def test_a_check_that_finds_something_ends_with_4(started: Path) -> None:
    assert launch(started, "report.py").code == 0
    assert launch(started, "report.py", "check=true").code == 0
    (started / "paper.tex").write_text("We reach 0.987.")
    done = launch(started, "report.py", "check=true", "tex=paper.tex")
    assert done.code == 4
    assert "paper.tex:1: no key explains 0.987" in done.out
    assert "1 paper; 1 finding\n" in done.out


def test_a_failed_check_of_a_reported_run_ends_with_4(started: Path) -> None:
    asked("tables:\n  main: {rows: [only]}\n")
    (started / "conf/only.yaml").write_text("purpose: A test.\n")
    ran("only", second=50, reportable=False, blocked_by=["check failed: test-rescored"])
    done = launch(started, "report.py")
    assert done.code == 4
    assert done.err.startswith("FAILED")
    assert not (started / "report").exists()


def test_no_runs_are_told_with_the_command_that_makes_one(lab: Path) -> None:
    shutil.copy(ROOT / "report.py", lab)
    done = launch(lab, "report.py")
    assert done.code == 3
    assert "there are no runs to report" in done.err
    assert "python train.py" in done.err


def test_help_names_the_options(lab: Path) -> None:
    shutil.copy(ROOT / "report.py", lab)
    done = launch(lab, "report.py", "--help")
    assert done.code == 0
    assert {"check: false", "tex: null", "source: runs"} <= set(done.out.splitlines())


def test_an_obstacle_is_allowed_by_name_on_the_command_line(started: Path) -> None:
    asked("tables:\n  main: {rows: [only]}\n")
    (started / "conf/only.yaml").write_text("purpose: A test.\n")
    ran("only", second=50, reportable=False, blocked_by=["limit: rows 200"])
    assert launch(started, "report.py").code == 3
    done = launch(started, "report.py", "allow={mixed-presets: a first look}")
    assert done.code == 0, done.err
    assert "main  test, 1 row" in done.out
