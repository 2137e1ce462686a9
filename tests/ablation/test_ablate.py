"""Plans run through ablate.py in the small project: cells, their records, what is skipped, what fails alone."""

import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import striking
from folders import commit, git, lasting, record, runs, write
from launching import Ended, begin, ended, forking, launch
from rich.console import Console

from receipts.ablation.forecast import Likely, Work
from receipts.ablation.planning import Planned
from receipts.ablation.watching import Screen
from receipts.config import project as place
from receipts.config.compose import compose
from receipts.runs import objective, plans
from receipts.runs.plans import Plan
from receipts.runs.process import this_process

SMOKE = ("preset=smoke", "seeds=2")


def ablate(project: Path, *words: str, **options: Any) -> Ended:
    return launch(project, "ablate.py", *words, before=forking, **options)


def plan_of(project: Path) -> Plan:
    """The only plan of a project."""
    (path,) = project.glob("runs/plans/*/plan.json")
    return msgspec.json.decode(path.read_bytes(), type=Plan)


@pytest.fixture(scope="module")
def ablated(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A project in which dropout was ablated over two seeds, and what that said."""
    folder = tmp_path_factory.mktemp("ablated") / "project"
    shutil.copytree(template, folder)
    done = ablate(folder, "override=model.dropout=0", *SMOKE)
    assert done.code == 0, done.err + done.out
    return folder, done


@pytest.fixture
def copied(ablated: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of that project for one test."""
    return shutil.copytree(ablated[0], tmp_path / "copied")


def test_a_stage_leaves_the_means_of_an_experiment_as_its_file_states_it(template: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(template, tmp_path / "project")
    for words in (["conf=linear", "test=true", "preset=smoke"], ["conf=linear"]):
        assert ablate(folder, *words).code == 0
        assert not (folder / "results").exists(), "a look, or a plan without test, is no stage"
    done = ablate(folder, "conf=linear", "test=true")
    assert done.code == 0, done.err
    found = json.loads((folder / "results/linear.json").read_text())
    ran = record(folder)
    assert (folder / "runs/stages/linear").read_text() == ran["run_id"] + "\n"
    for score in ran["scores"]:
        assert found[score["split"]] == {name: metric["value"] for name, metric in score["metrics"].items()}
    assert not re.search(r"20\d{6}-|\d\d:\d\d", (folder / "results/linear.json").read_text())


# --- what a plan leaves ----------------------------------------------------------------------------------------------


def test_a_plan_says_what_it_will_do_and_what_it_did(ablated: tuple[Path, Ended]) -> None:
    out = ablated[1].out
    for sentence in (
        "ablations: 2 arms x 2 seeds",
        "  arm      model.dropout=0\n             model.dropout: 0.2 -> 0\n",
        "  shared   epochs 1, batch_size 64, preset smoke, rows 200, device cpu",
        "  cells    4, 0 done already, 4 to run",
        "  time     unknown: no recorded run resembles these",
        " GB are free",
        "net seed 0  completed  val accuracy ",
        "[4/4] ",
        "  model.dropout=0  2/2 ok  0.",
    ):
        assert sentence in out
    assert ablated[1].err == ""


def test_a_plan_points_to_an_ordinary_run_for_every_cell(ablated: tuple[Path, Ended]) -> None:
    folder, plan = ablated[0], plan_of(ablated[0])
    assert (plan.kind, plan.conf, plan.seeds, plan.exploratory) == ("ablations", "net", [0, 1], True)
    assert [(cell.arm, cell.seed) for cell in plan.cells] == [
        *(("net", 0), ("model.dropout=0", 0), ("net", 1), ("model.dropout=0", 1)),
    ]
    assert plan.command == "python ablate.py 'override=[model.dropout=0]' seeds=2 preset=smoke"
    for cell in plan.cells:
        found = json.loads((folder / "runs" / str(cell.run_id) / "record.json").read_text())
        assert found["status"] == "completed"
        assert found["identity"]["id"] == cell.identity
        config = (folder / "runs/plans" / plan.plan_id / cell.config).read_bytes()
        assert (folder / "runs" / str(cell.run_id) / "config.yaml").read_bytes() == config


def test_the_seeds_of_an_arm_share_a_method_and_the_arms_do_not(ablated: tuple[Path, Ended]) -> None:
    found = [json.loads((run / "record.json").read_text()) for run in runs(ablated[0])]
    methods = {(run["method"], "model.dropout=0" in run["overrides"]) for run in found}
    assert len(methods) == 2
    assert len({method for method, _ in methods}) == 2
    assert [run["deterministic"] for run in found] == [False] * 4
    assert {(run["epochs"], run["steps"]) for run in found} == {(1, 4)}


def test_a_cell_is_what_train_py_makes_of_the_same_words(copied: Path) -> None:
    """Records, weights and predictions, to the last bit; and train.py finds the run that the cell made."""
    words = plan_of(copied).cells[3].words
    assert words == ["conf=net", "preset=smoke", "model.dropout=0", "seed=1"]
    (folder,) = (run for run in runs(copied) if run.name == plan_of(copied).cells[3].run_id)
    cell = json.loads((folder / "record.json").read_text())
    assert f"run {folder.name}  completed" in launch(copied, "train.py", *words).out
    shutil.rmtree(folder)
    assert launch(copied, "train.py", *words).code == 0
    again = record(copied)
    assert again["checkpoint"]["weights"] == cell["checkpoint"]["weights"]
    assert lasting(again) == lasting(cell)
    assert again["command"] == cell["command"] == "python train.py conf=net preset=smoke model.dropout=0 seed=1"


def test_the_same_command_again_finds_the_plan_and_runs_nothing(copied: Path) -> None:
    before = {run.name for run in runs(copied)}
    done = ablate(copied, "override=model.dropout=0", *SMOKE)
    assert done.code == 0, done.err
    assert "4 done already, 0 to run" in done.out
    assert {run.name for run in runs(copied)} == before
    assert plan_of(copied)


def test_a_plan_that_is_cut_off_while_it_is_written_is_no_plan_and_goes(copied: Path) -> None:
    words = ("ablate.py", "override=model.dropout=0", "preset=smoke", "seeds=1")
    for how, code in (("killed", -signal.SIGKILL), ("full", 3)):
        done = launch(copied, *words, before=partial(striking.cut_off, how))
        assert (done.code, "Traceback" in done.err) == (code, False)
        assert len(list((copied / "runs").glob(".half-*"))) == 1, "the next one takes the old one away"
        assert plan_of(copied), "the one that was there"
    assert "runs/ is on a full disk" in done.err
    assert ablate(copied, *words[1:]).code == 0
    assert not list((copied / "runs").glob(".half-*"))
    assert [len(list(plan.glob("cells/*.yaml"))) for plan in sorted(copied.glob("runs/plans/*"))] == [4, 2]


def test_more_seeds_run_only_what_is_new(copied: Path) -> None:
    done = ablate(copied, "override=model.dropout=0", "preset=smoke", "seeds=3", "dry_run=true")
    assert "  cells    6, 4 done already, 2 to run" in done.out
    assert re.search(r"  time     about \d+ s, \d at a time \(local\)", done.out)
    assert re.search(r"  disk     about [\d.]+ MB of ", done.out)


def test_a_dry_run_writes_nothing(project: Path) -> None:
    done = ablate(project, "override=model.dropout=0", *SMOKE, "dry_run=true")
    assert done.code == 0, done.err
    assert "4 to run" in done.out
    assert runs(project) == []
    assert not (project / "runs/plans").exists()


# --- kinds -----------------------------------------------------------------------------------------------------------


def test_experiments_side_by_side_a_deterministic_one_is_a_single_cell(project: Path) -> None:
    done = ablate(project, "conf=linear,net", *SMOKE)
    assert done.code == 0, done.err
    plan = plan_of(project)
    assert plan.kind == "comparison"
    assert [(cell.arm, cell.seed) for cell in plan.cells] == [("linear", 0), ("net", 0), ("net", 1)]
    assert "  arm      linear  (deterministic: one cell)" in done.out
    assert not plan.exploratory


def test_a_part_of_the_train_rows_is_a_method_of_its_own(project: Path) -> None:
    done = ablate(project, "conf=ridge", "sweep=fit.train_fraction=[0.1,0.5,1]", "seeds=1")
    assert done.code == 0, done.err
    plan = plan_of(project)
    assert (plan.kind, plan.key, plan.exploratory) == ("sweep", "fit.train_fraction", True)
    rows = {}
    for run in runs(project):
        found = json.loads((run / "record.json").read_text())
        log = (run / "train.log").read_text()
        rows[tuple(found["overrides"])] = int(re.search(r"data +(\d+) train", log)[1])  # type: ignore[index]
        assert found["reportable"]
    whole = rows[()]
    assert rows == {
        (): whole,
        ("fit.train_fraction=0.5",): pytest.approx(whole / 2, abs=1),
        ("fit.train_fraction=0.1",): pytest.approx(whole / 10, abs=1),
    }


def test_folds_leave_one_table_in_which_every_row_is_predicted_once(project: Path) -> None:
    missing = ablate(project, "conf=ridge", "folds=3")
    assert missing.code == 3
    assert "receipts split diabetes folds=3" in missing.err
    assert launch(project, "receipts", "split", "diabetes", "folds=3").code == 0
    assert git(project, "diff", "--name-only") == ""  # the dataset's own manifest and hashes are as they were
    commit(project, "folds")
    done = ablate(project, "conf=ridge", "folds=3")
    assert done.code == 0, done.err + done.out
    plan = plan_of(project)
    assert (plan.kind, plan.folds, plan.seeds) == ("folds", 3, [0])
    assert [cell.fold for cell in plan.cells] == [0, 1, 2]
    table = project / "runs/plans" / plan.plan_id / "out-of-fold/ridge-s0.parquet"
    from receipts.evaluation import storage

    found = storage.read(table)
    assert len(found) == 442
    assert "442 rows, each predicted once" in done.out
    for run in runs(project):
        openings = json.loads((run / "record.json").read_text())["openings"]
        assert [(opening["split"], opening["by"]) for opening in openings] == [("test", "ablate.py")]


def test_test_is_opened_when_asked_counted_and_not_twice(copied: Path) -> None:
    for _ in range(2):
        done = ablate(copied, "override=model.dropout=0", *SMOKE, "test=true")
        assert done.code == 0, done.err
    assert "4 done already, 0 to run" in done.out
    for run in runs(copied):
        found = json.loads((run / "record.json").read_text())
        assert [score["split"] for score in found["scores"]] == ["val", "test"]
        assert [(opening["split"], opening["by"]) for opening in found["openings"]] == [("test", "ablate.py")]
    assert plan_of(copied).command.endswith("preset=smoke")  # the plan is the one of before


# --- what goes wrong -------------------------------------------------------------------------------------------------

FRAGILE = """
import os, signal
from lab.net import Net

class Fragile(Net):
    def __init__(self, how: str, features: int, outputs: int, hidden: int, dropout: float, lr: float) -> None:
        super().__init__(features, outputs, hidden, dropout, lr)
        self.how = how

    def on_train_start(self) -> None:
        if self.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "raises":
            raise ValueError("it broke")
        if self.how == "slow":
            import time
            time.sleep(60)
"""
CONF = """
purpose: A test.
seed: 0
model: {_target_: lab.fragile.Fragile, how: fine, features: 64, outputs: 10, hidden: 8, dropout: 0.0, lr: 0.01}
fit: {epochs: 1, batch_size: 64}
"""


def fragile(project: Path) -> None:
    write(project, "src/lab/fragile.py", FRAGILE)
    write(project, "conf/fragile.yaml", CONF)
    commit(project)


def test_a_cell_that_dies_or_fails_takes_no_other_with_it(project: Path) -> None:
    fragile(project)
    words = ("conf=fragile", "override=[model.how=killed,model.how=raises,model.dropout=0.5]", "seeds=1")
    done = ablate(project, *words)
    assert done.code == 1
    assert "model.how=killed seed 0  was killed by SIGKILL; the same command runs it again" in done.out
    assert "model.how=raises seed 0  failed: ValueError: it broke" in done.out
    assert "  fragile  1/1 ok  0." in done.out
    assert "  model.dropout=0.5  1/1 ok  0." in done.out
    assert "  OPEN  model.how=raises seed 0: ValueError: it broke" in done.out
    assert "retry=true" in done.out.splitlines()[-1]

    again = ablate(project, *words)  # what failed stays failed, what was killed is tried again
    assert again.code == 4
    assert "  cells    4, 2 done already, 1 failed (retry=true runs them again), 1 to run" in again.out
    retried = ablate(project, *words, "retry=true", "dry_run=true")
    assert "  cells    4, 2 done already, 2 to run" in retried.out
    assert len(list(project.glob("runs/plans/*"))) == 1


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_plan_that_is_stopped_leaves_its_cells_stale_and_goes_on_later(
    project: Path, sent: signal.Signals, code: int
) -> None:
    fragile(project)
    words = ("conf=fragile", "override=[model.how=slow,model.dropout=0.5]", "seeds=1", "workers=1")
    process = begin(project, "ablate.py", *words, before=forking)
    until = time.monotonic() + 60
    while len(runs(project)) < 2 or "training" not in states(project):
        assert time.monotonic() < until, ended(project, process).err
        time.sleep(0.1)
    assert process.pid is not None
    os.kill(process.pid, sent)
    process.join(30)
    assert process.exitcode == code, ended(project, process).err
    stale = launch(project, "receipts", "ls").out
    assert "stale" in stale
    assert "  cells    3, 1 done already, 2 to run" in ablate(project, *words, "dry_run=true").out


def states(project: Path) -> str:
    """Whether the newest run has begun to train."""
    log = runs(project)[0] / "train.log"
    return "training" if log.is_file() and "batch" in log.read_text() else ""


def test_code_that_changes_while_a_plan_runs_changes_none_of_its_cells(copied: Path) -> None:
    plan = plan_of(copied)
    folder = copied / "runs/plans" / plan.plan_id
    for run in runs(copied):
        shutil.rmtree(run)
    write(copied, "src/lab/net.py", (copied / "src/lab/net.py").read_text() + "\n# changed\n")
    command = [sys.executable, "-m", "receipts.ablation.worker", str(folder.relative_to(copied)), "0"]
    paths = os.pathsep.join([str(copied / "src"), str(Path(plans.__file__).parents[2])])
    ran = subprocess.run(
        command, cwd=copied, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 3, ran.stderr
    assert "code, data or split changed since the plan was made" in ran.stderr
    assert runs(copied) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["launcher=locl"], "there is no launcher 'locl'; did you mean local?"),
        (["-m", "conf=net,linear"], "-m makes many plans of one command"),
        (["seeds=few"], "seeds cannot take that value"),
        (["override=[model.dropout=0,model.dropout=0.0]", "preset=smoke"], "are the same"),
        (["override=trainer=cpu", "preset=smoke"], "are one and the same run"),
        (["override=fit.batch_size=0", "preset=smoke"], "fit.batch_size is 0"),
        (["conf=nett"], "there is no conf 'nett'"),
        (["fit.train_fraction=0", "preset=smoke"], "fit.train_fraction is 0"),
        (["conf=module", "fit.train_fraction=0.5", "preset=smoke"], "and the data are a DataModule"),
        (["conf=module", "folds=3", "preset=smoke"], "the rule datamodule has no folds"),
    ],
)
def test_what_is_refused_before_anything_runs(project: Path, words: list[str], sentence: str) -> None:
    done = ablate(project, *words)
    assert done.code == 3, done.out
    assert sentence in done.err
    assert "Traceback" not in done.err
    assert runs(project) == []
    assert not (project / "runs/plans").exists()


def test_a_dirty_tree_is_refused_before_anything_runs(project: Path) -> None:
    write(project, "conf/new.yaml", "defaults: [net]\npurpose: New.\n")
    done = ablate(project, "conf=new", "seeds=1")
    assert done.code == 3
    assert "the work tree differs from the commit" in done.err


def test_the_help_says_what_may_be_asked(project: Path) -> None:
    done = ablate(project, "--help")
    assert done.code == 0
    for text in (
        "python ablate.py override=model.dropout=0",
        "each element one factor",
        "seeds: null",
        "launcher: local",
    ):
        assert text in done.out


# --- what a search and a screen see ----------------------------------------------------------------------------------


def test_a_search_is_told_the_primary_metric_on_val(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied)
    place.settings.cache_clear()
    words = plan_of(copied).cells[1].words
    (scored,) = (score for score in read(plan_of(copied).cells[1].run_id)["scores"] if score["split"] == "val")
    assert objective.of(compose(*words)) == scored["metrics"]["accuracy"]["value"]
    assert math.isnan(objective.of(compose("conf=net", "model.lr=0.5")))
    done = launch(copied, "train.py", "-m", "conf=net", "preset=smoke", "model.dropout=0,0.2")
    assert done.code == 0, done.err
    place.settings.cache_clear()


def read(run_id: str | None) -> dict[str, Any]:
    """The record of a run of the working folder."""
    return json.loads((Path("runs") / str(run_id) / "record.json").read_text())


def test_a_screen_shows_what_runs_first_and_no_more_than_it_has_room_for(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied)
    plan = plan_of(copied)
    plan.cells *= 10
    plan.cells[1:] = [msgspec.structs.replace(cell, identity="0" * 64) for cell in plan.cells[1:]]
    running = json.loads((Path("runs") / str(plan.cells[0].run_id) / "record.json").read_text())
    running |= {"status": "running", "process": msgspec.to_builtins(this_process())}
    (Path("runs") / str(plan.cells[0].run_id) / "record.json").write_text(json.dumps(running))
    work = Work(list(range(40)), [], {}, {number: Likely(10.0, None) for number in range(40)})
    screen = Screen(Planned(plan, []), work, 2)
    screen.console = Console(file=io.StringIO(), force_terminal=True, width=100, height=16)
    with screen.shown():
        screen.look({})
        screen.console.print(screen.table({}))
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.console.file.getvalue())  # type: ignore[attr-defined]
    assert "epoch 1/1 step 4/4" in shown
    assert "0 of 40 cells have ended, ETA about 3 min" in shown
    assert 5 < shown.count("waiting") < 40
