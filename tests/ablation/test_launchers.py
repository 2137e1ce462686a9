"""The same cells through every launcher: the same records, weights and environment as a plain `python train.py`."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from folders import lasting, runs
from launching import begin, ended, launch

import receipts
from receipts.ablation import launching
from receipts.config.questions import Ablating
from receipts.refusal import Refusal

WORDS = ("conf=net,linear", "preset=smoke", "seeds=1")
CORE = Path(receipts.__file__).parents[1]


def plain(project: Path, *words: str) -> None:
    """`python train.py` in a Python of its own."""
    paths = os.pathsep.join([str(project / "src"), str(CORE)])
    environment = {**os.environ, "PYTHONPATH": paths, "MLFLOW_TRACKING_URI": "sqlite:////dev/null"}
    done = subprocess.run(
        [sys.executable, "train.py", *words], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def expected(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What train.py makes of the two experiments."""
    folder = tmp_path_factory.mktemp("plain") / "project"
    shutil.copytree(template, folder)
    for conf in ("net", "linear"):
        plain(folder, f"conf={conf}", "preset=smoke", "seed=0")
    return found(folder)


def found(project: Path) -> dict[str, Any]:
    """Records and environments by experiment, without what two runs of one identity may differ in."""
    everything = {}
    for run in runs(project):
        record = json.loads((run / "record.json").read_text())
        environment = json.loads((run / "environment.json").read_text())
        told = {key: environment[key] for key in ("threads", "variables", "packages", "lock", "cpu", "gpu")}
        told["variables"].pop("CUDA_VISIBLE_DEVICES", None)  # submitit and ray deal out GPUs by it, and there are none
        everything[record["conf"]] = (lasting(record), told)
    return everything


def test_cells_that_end_at_the_same_moment_keep_their_codes() -> None:
    local = launching.Local(8, [])
    server = multiprocessing.get_context("forkserver")

    def code(number: int) -> int:
        return local.code_of(local.begin(server.Process(target=os._exit, args=(number % 3,))))

    assert list(local.pool.map(code, range(96))) == [number % 3 for number in range(96)]


def test_cells_forked_from_the_preloaded_server_are_what_train_py_makes(
    project: Path, expected: dict[str, Any]
) -> None:
    done = launch(project, "ablate.py", *WORDS)
    assert done.code == 0, done.err + done.out
    assert found(project) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("name", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_cells_of_other_launchers_are_what_train_py_makes(
    project: Path, expected: dict[str, Any], name: str, package: str
) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install -e '.[{name}]'")
    paths = os.pathsep.join([str(project / "src"), str(CORE)])
    done = subprocess.run(
        [sys.executable, "ablate.py", *WORDS, f"launcher={name}", "workers=2"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": paths, "MLFLOW_TRACKING_URI": "sqlite:////dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert found(project) == expected


@pytest.mark.slow
def test_a_cell_of_several_processes_is_a_python_of_its_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT"):
        monkeypatch.setenv(name, "7")  # what is left of a launcher that started us
    done = launch(project, "ablate.py", "conf=net", "preset=smoke", "trainer=ddp_cpu", "seeds=1", timeout=300)
    assert done.code == 0, done.err + done.out
    (run,) = runs(project)
    assert json.loads((run / "record.json").read_text())["world"]["processes"] == 2
    assert (run / "train.rank1.log").is_file()


def test_a_worker_that_outlives_its_plan_ends(project: Path) -> None:
    """kill -9 of ablate.py itself: the cell notices, and its run is stale and not orphaned."""
    process = begin(project, "ablate.py", "conf=net", "seeds=1", "fit.epochs=100000")
    until = time.monotonic() + 90
    while not runs(project) or "step" not in log_of(project):
        assert time.monotonic() < until, ended(project, process).err
        time.sleep(0.2)
    pid = json.loads((runs(project)[0] / "record.json").read_text())["process"]["pid"]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < until, "the cell goes on"
        time.sleep(0.1)
    assert re.search(r"\bstale\b", launch(project, "receipts", "ls").out)


def log_of(project: Path) -> str:
    """The newest run's log."""
    path = runs(project)[0] / "train.log"
    return path.read_text() if path.is_file() else ""


def test_a_launcher_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "find_spec", lambda name: None)
    for name, package in (("slurm", "submitit"), ("ray", "ray")):
        with pytest.raises(Refusal, match=f"launcher={name} needs {package}") as refused:
            launching.refuse_unknown(name)
        assert f".[{name}]" in refused.value.fix
    launching.refuse_unknown("local")


def test_as_many_cells_at_a_time_as_there_are_cores_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from receipts.config.compose import Experiment
    from receipts.config.schema import Config

    config = Config(model={"_target_": "lab.net.Net"})
    config.fit.threads = 2
    cells = [Experiment(config, {}, "net", ["full"], "digits", [])] * 10
    monkeypatch.setattr(launching, "cores", lambda: 8)
    monkeypatch.setattr("receipts.ablation.planning.gpus", lambda: 0)
    assert launching.workers_of(Ablating(), cells) == 4
    assert launching.workers_of(Ablating(workers=3), cells) == 3
    assert launching.workers_of(Ablating(), cells[:1]) == 1
    assert launching.workers_of(Ablating(launcher="slurm"), cells) == 10
    monkeypatch.setattr("receipts.ablation.planning.gpus", lambda: 1)
    assert launching.workers_of(Ablating(), cells) == 1
