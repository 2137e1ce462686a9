"""Plans run through ablate.py in the small project: what a plan leaves, and of which kinds it may be."""

import json
import re
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
import striking
from ablating import SMOKE, ablate, plan_of
from folders import commit, git, lasting, record, runs
from launching import Ended, launch


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
