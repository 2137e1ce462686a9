"""Plans run through ablate.py where something goes wrong: cells that die, a stop, changed code, what is refused."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ablating import ablate, plan_of
from folders import commit, runs, write
from launching import begin, ended, forking, launch

from receipts.runs import plans

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
