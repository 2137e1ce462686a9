"""gauntlet.py as people start it: a clean method passes, and each cheat is found by the check meant for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from folders import commit, runs, write
from launching import Ended, forking, launch

ROOT = Path(__file__).parents[2]
QUICK = "skip={rerun: it starts two fresh Pythons and has a test of its own}"

CHEATS = '''
"""Modules that do what no module should."""

import numpy as np
import torch
from torch import Tensor

from lab.net import Net


def digits() -> tuple[Tensor, Tensor]:
    table = np.loadtxt("data/digits.csv.gz", delimiter=",", dtype=np.float32)
    return torch.tensor(table[:, :64] / 16), torch.tensor(table[:, 64].astype(np.int64))


class Peeker(Net):
    """Looks up the answer in the file that the labels came from."""

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        rows, labels = digits()
        nearest = torch.cdist(x, rows).argmin(1)
        return torch.nn.functional.one_hot(labels[nearest], 10).float()


class Counter(Net):
    """Knows in which order val is read, and what its labels are."""

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        labels = digits()[1][1078:1437]
        first = batch_idx * 64
        return torch.nn.functional.one_hot(labels[first : first + len(x)], 10).float()


class Crowd(Net):
    """Normalises by the batch while it predicts."""

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        return self(x - x.mean(0)).softmax(-1) if len(x) > 1 else self(x).softmax(-1)


class Gambler(Net):
    """Draws lots while it predicts, from a source that no seed reaches."""

    def predict_step(self, x: Tensor, batch_idx: int) -> Tensor:
        lot = torch.Generator().manual_seed(int(np.random.SeedSequence().entropy) % 2**32)
        return (self(x) + 1e-3 * torch.rand(len(x), 10, generator=lot)).softmax(-1)


class Deaf(Net):
    """Takes labels that belong to other rows."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        order = torch.randperm(len(batch[1]))
        return super().training_step((batch[0], batch[1][order]), batch_idx)
'''


def challenge(project: Path, *words: str, **options: Any) -> Ended:
    return launch(project, "gauntlet.py", *words, before=forking, **options)


def verdicts(project: Path) -> dict[str, dict[str, Any]]:
    """What was found, by check."""
    found = json.loads((project / "report/gauntlet.json").read_text())
    return {one["check"]: one for one in found["verdicts"]}


# What the cheats' own runs would be stopped by.
SEEN = ("samples-mixed", "eval-is-random", "selected-is-scored", "test-sealed", "inputs-prepared-otherwise")


@pytest.fixture(scope="module")
def trained(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two seeds of a clean network, and one run of each cheat."""
    folder = tmp_path_factory.mktemp("gauntlet") / "project"
    shutil.copytree(template, folder)
    for name in ("report.py", "gauntlet.py"):
        shutil.copy(ROOT / name, folder)
    write(folder, "src/lab/cheats.py", CHEATS)
    for name in ("Peeker", "Counter", "Crowd", "Deaf", "Gambler"):
        text = (folder / "conf/net.yaml").read_text().replace("lab.net.Net", f"lab.cheats.{name}")
        text = text.replace("Does a two-layer network", "Is it found that this")
        write(
            folder, f"conf/{name.lower()}.yaml", text + f"waive: {{{', '.join(f'{code}: a test' for code in SEEN)}}}\n"
        )
    commit(folder)
    for words in (["-m", "conf=net,peeker,counter,crowd,deaf,gambler"], ["conf=net", "seed=1"]):
        assert (done := launch(folder, "train.py", *words)).code == 0, done.err
    return folder


@pytest.fixture(scope="module")
def passed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A project whose clean network ran the gauntlet, and what that said."""
    folder = shutil.copytree(trained, tmp_path_factory.mktemp("passed") / "project")
    assert (done := launch(folder, "report.py")).code == 0, done.err
    return folder, challenge(folder, "conf=net", QUICK)


def test_a_clean_method_passes_and_the_exit_code_says_so(passed: tuple[Path, Ended]) -> None:
    project, done = passed
    assert done.code == 0, done.err + done.out
    found = {name: one["verdict"] for name, one in verdicts(project).items()}
    unfit = {name for name, verdict in found.items() if verdict not in ("pass", "not applicable")}
    assert unfit == {"rerun", "installed"}, verdicts(project)
    assert found["rerun"] == "skipped"
    for name in ("labels-shuffled", "inputs-blanked", "one-batch", "fresh-seeds", "batching", "scored-again"):
        assert found[name] == "pass", verdicts(project)[name]
    assert "time     about" in done.out


def test_what_was_fitted_on_the_way_is_no_run(passed: tuple[Path, Ended], trained: Path) -> None:
    assert [run.name for run in runs(passed[0])] == [run.name for run in runs(trained)]


def test_verdicts_stand_beside_the_report_and_survive_the_next_one(passed: tuple[Path, Ended]) -> None:
    project, _ = passed
    before = (project / "report/gauntlet.json").read_bytes()
    assert "it starts two fresh Pythons" in (project / "report/gauntlet.md").read_text()
    assert 'id="gauntlet"' in (project / "report/index.html").read_text()
    assert launch(project, "report.py", "check=true").code == 0
    assert launch(project, "report.py").code == 0
    assert (project / "report/gauntlet.json").read_bytes() == before
    (project / "report/gauntlet.md").write_text("All is well.\n")
    done = launch(project, "report.py", "check=true")
    assert done.code == 4
    assert "gauntlet.md" in done.out


def test_what_is_on_record_is_not_done_again(passed: tuple[Path, Ended]) -> None:
    project, _ = passed
    done = challenge(project, "conf=net", "only=one-batch,fresh-seeds")
    assert done.code == 0, done.err
    assert "checks   2: 0 to make, 2 on record" in done.out
    assert {"labels-shuffled", "one-batch"} <= set(verdicts(project))  # what is on record stays in the report
    found = json.loads((project / "report/gauntlet.json").read_text())
    assert found["command"] == "python gauntlet.py conf=net only=one-batch,fresh-seeds"


@pytest.mark.parametrize(
    ("conf", "check", "evidence"),
    [
        ("peeker", "labels-shuffled", "information in val +1.000"),
        ("counter", "inputs-blanked", "information in val +1.000"),
        ("crowd", "batching", "in batches of 1"),
        ("gambler", "scored-again", "from each other"),
        ("deaf", "one-batch", "at least 0.5 is expected"),
    ],
)
def test_a_cheat_is_found(passed: tuple[Path, Ended], tmp_path: Path, conf: str, check: str, evidence: str) -> None:
    project = shutil.copytree(passed[0], tmp_path / "project")
    done = challenge(project, f"conf={conf}", f"only={check}")
    assert done.code == 4, done.err + done.out
    assert verdicts(project)[check]["verdict"] == "fail"
    assert evidence in verdicts(project)[check]["evidence"]
    assert "  fix    " in done.out


def test_what_the_budget_does_not_hold_is_not_run(passed: tuple[Path, Ended], tmp_path: Path) -> None:
    project = shutil.copytree(passed[0], tmp_path / "project")
    done = challenge(project, "conf=net", "budget=2s", "only=committed,duplicates,rerun")
    assert done.code == 0, done.err + done.out
    assert [verdicts(project)[name]["verdict"] for name in ("committed", "duplicates", "rerun")] == [
        "pass",
        "pass",
        "not run",
    ]
    assert "the budget has about" in verdicts(project)["rerun"]["evidence"]


def test_a_method_that_no_table_has_yet_is_tried_all_the_same(passed: tuple[Path, Ended], tmp_path: Path) -> None:
    project = shutil.copytree(passed[0], tmp_path / "project")
    shutil.rmtree(project / "report")
    (project / "conf/scripts").mkdir()
    write(project, "conf/scripts/report.yaml", "tables: {main: {rows: [net]}}")
    done = challenge(project, "conf=net", "only=committed,report-again")
    assert done.code == 0, done.err
    assert [verdicts(project)[name]["verdict"] for name in ("committed", "report-again")] == ["pass", "not run"]
    assert "report   not written: no run can be reported" in done.out
    (project / "conf/scripts/report.yaml").unlink()
    assert launch(project, "report.py").code == 0
    assert verdicts(project)


PROBE = """
import sys
from pathlib import Path
from receipts.config import project
from receipts.gauntlet.check import Terms
from receipts.gauntlet.checks import other_splits
from receipts.gauntlet.subjects import Rival, Subject
from receipts.report.model import Comparison
from receipts.runs import choice

project.enter(Path.cwd())
net, peeker = choice.latest("net"), choice.latest("peeker")
claim = Comparison("", "net", "peeker", "accuracy", 5, -0.1, -0.2, 0, 0.01, 0.01, sys.argv[1], "paired t")
subject = Subject("net", (net,), "val", (Rival("peeker", (peeker,), claim),))
print(other_splits.judge(subject, Terms()) if not other_splits.against(subject) else "no order is claimed")
"""


@pytest.mark.parametrize(
    ("claim", "told"),
    [("better", "verdict='fail'"), ("worse", "verdict='pass'"), ("equivalent", "no order is claimed")],
)
def test_an_order_that_other_divisions_turn_round_must_not_be_claimed(
    passed: tuple[Path, Ended], tmp_path: Path, claim: str, told: str
) -> None:
    project = shutil.copytree(passed[0], tmp_path / "project")
    write(project, "probe.py", PROBE)
    done = launch(project, "probe.py", claim)
    assert done.code == 0, done.err
    assert told in done.out


def test_code_that_has_changed_since_is_told_and_nothing_passes(passed: tuple[Path, Ended], tmp_path: Path) -> None:
    project = shutil.copytree(passed[0], tmp_path / "project")
    write(project, "src/lab/net.py", (project / "src/lab/net.py").read_text() + "\n# a remark\n")
    done = challenge(project, "conf=net", "only=batching", "again=true")
    assert done.code == 0
    assert verdicts(project)["batching"]["verdict"] == "not run"
    assert "src/lab/net.py" in verdicts(project)["batching"]["evidence"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["only=labels-shufled"], "did you mean labels-shuffled?"),
        (["skip={rerun: ''}"], "nobody says why"),
        (["skip={rerun: null}"], "nobody says why"),
        (["skip=rerun"], "skip"),
        (["budget=soon"], "is no time"),
        (["env=mine"], "lock"),
        (["conf=nett"], "did you mean net?"),
    ],
)
def test_what_makes_no_sense_is_refused(trained: Path, words: list[str], told: str) -> None:
    done = challenge(trained, *words)
    assert done.code == 3, done.out + done.err
    assert done.err.startswith("REFUSED")
    assert told in done.err
    assert not (trained / "report").exists()


@pytest.mark.slow
def test_a_rerun_gives_the_same_numbers_in_an_environment_of_its_own(trained: Path, tmp_path: Path) -> None:
    project = shutil.copytree(trained, tmp_path / "project")
    done = challenge(project, "conf=net", "only=rerun", "env=current", timeout=300)
    assert done.code == 0, done.err + done.out
    assert "in the running environment: 8 of 8 numbers identical" in verdicts(project)["rerun"]["evidence"]
    done = challenge(project, "conf=gambler", "only=rerun", "env=current", timeout=300)
    assert done.code == 0, done.out
    found = verdicts(project)["rerun"]["evidence"]
    assert "the method itself draws lots; within the declared margin of 0.03" in found
