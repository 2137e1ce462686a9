"""Processes that a launcher started: each is told who it is by its environment, and finds the others by itself.

Most tests tell the environment what torchrun would, and fork; one, slow, asks torchrun itself.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from folders import commit, record, runs, write
from launching import Ended, begin, ended, impatient, launch

from receipts.config.place import place
from receipts.refusal import Refusal
from receipts.training import board, launched
from receipts.training.ranks import free_port

CHANGED = """
import os
import signal
from pathlib import Path
from lab.net import Net

class Changed(Net):
    def training_step(self, batch, batch_idx):
        if self.trainer.world_size > 1 and self.global_rank == 1 and self.current_epoch == 1:
            if Path("die").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            if Path("raise").exists():
                raise ValueError("this process has had enough")
        return super().training_step(batch, batch_idx)
"""


def experiment(folder: Path) -> None:
    """An experiment whose second process dies where a file says so."""
    write(folder, "src/lab/changed.py", CHANGED)
    text = "purpose: Who goes first?\nseed: 0\nmodel: {_target_: lab.changed.Changed, features: 64, outputs: 10, "
    write(folder, "conf/changed.yaml", text + "hidden: 8, dropout: 0.5, lr: 0.01}\nfit: {epochs: 3, batch_size: 48}\n")
    commit(folder)


def variables(world: int, nodes: int, launcher: str = "torchrun") -> list[dict[str, str]]:
    """What torchrun, or srun, would say to each process."""
    port, each = str(free_port()), world // nodes
    if launcher == "srun":
        told = {"SLURM_NTASKS": world, "SLURM_STEP_NUM_TASKS": world, "SLURM_NNODES": nodes, "SLURM_JOB_ID": 7}
        told |= {"SLURM_STEP_NUM_NODES": nodes, "SLURM_NTASKS_PER_NODE": each, "MASTER_PORT": port}
        places = [
            {"SLURM_PROCID": rank, "SLURM_LOCALID": rank % each, "SLURM_NODEID": rank // each} for rank in range(world)
        ]
        common = {"SLURM_NODELIST": "127.0.0.1"} | {name: str(value) for name, value in told.items()}
        return [common | {name: str(value) for name, value in own.items()} for own in places]
    return [
        {
            "TORCHELASTIC_RUN_ID": "none",
            "RANK": str(rank),
            "WORLD_SIZE": str(world),
            "LOCAL_RANK": str(rank % each),
            "LOCAL_WORLD_SIZE": str(each),
            "GROUP_RANK": str(rank // each),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
        }
        for rank in range(world)
    ]


def together(folder: Path, *words: str, world: int = 2, nodes: int = 2, launcher: str = "torchrun") -> list[Ended]:
    """The same command in every process of a fit."""
    known = variables(world, nodes, launcher)
    processes = [begin(folder, "train.py", *words, environment=own, before=impatient) for own in known]
    try:
        for process in processes:
            process.join(90)
    finally:
        alive = [process for process in processes if process.is_alive()]
        for process in alive:
            process.kill()
    assert not alive, [ended(folder, process) for process in processes]
    return [ended(folder, process) for process in processes]


def test_three_processes_on_three_nodes_leave_one_run_and_skip_it_together(project: Path) -> None:
    words = ("conf=net", "fit.batch_size=48", "trainer=ddp_cpu", "trainer.processes=1", "trainer.nodes=3")
    first, *others = together(project, *words, world=3, nodes=3)
    assert [first.code, *(other.code for other in others)] == [0, 0, 0], first.err + others[0].err
    assert "48 samples an optimizer step, over all 3 processes on 3 nodes" in first.out
    assert {other.out + other.err for other in others} == {""}
    (run,) = runs(project)
    found = record(project)
    assert found["status"] == "completed"
    assert (found["world"]["processes"], found["world"]["nodes"]) == (3, 3)
    assert {path.name for path in run.glob("*.log")} == {"train.log", "train.rank1.log", "train.rank2.log"}
    for rank in (1, 2):
        assert re.search(r"epoch 2/2 step \d+/\d+ loss", (run / f"train.rank{rank}.log").read_text())
    again = together(project, *words, world=3, nodes=3)
    assert [done.code for done in again] == [0, 0, 0]
    assert len(runs(project)) == 1


def test_what_srun_says_is_understood_as_well(project: Path) -> None:
    words = ("conf=net", "trainer=ddp_cpu", "trainer.processes=2")
    first, other = together(project, *words, nodes=1, launcher="srun")
    assert (first.code, other.code) == (0, 0), first.err
    assert other.out + other.err == ""
    assert len(runs(project)) == 1
    assert (record(project)["world"]["processes"], record(project)["world"]["nodes"]) == (2, 1)


def test_srun_without_tasks_per_node_is_refused(project: Path) -> None:
    (first, *_) = variables(2, 1, "srun")
    del first["SLURM_NTASKS_PER_NODE"]
    done = launch(project, "train.py", "conf=net", "trainer=ddp_cpu", environment=first)
    assert done.code == 3
    assert "does not say how many tasks each node has" in done.err


def test_a_killed_process_fails_the_run_by_name_within_a_minute(project: Path) -> None:
    experiment(project)
    (project / "die").touch()
    words = ("conf=changed", "trainer=ddp_cpu", "trainer.processes=1", "trainer.nodes=3")
    began = time.monotonic()
    first, killed, third = together(project, *words, world=3, nodes=3)
    assert time.monotonic() - began < 60
    assert (first.code, killed.code, third.code) == (1, -9, 1)
    found = record(project)
    assert found["status"] == "failed"
    assert "process 1 of 3 is not heard any more" in found["failure"]["reason"]
    assert "train.rank1.log: " in found["failure"]["reason"]
    assert "Traceback" in (runs(project)[0] / "train.rank2.log").read_text()


def test_a_process_that_fails_is_named_with_its_last_words_and_all_hear_that_it_is_refused_again(
    project: Path,
) -> None:
    experiment(project)
    (project / "raise").touch()
    words = ("conf=changed", "trainer=ddp_cpu", "trainer.processes=1", "trainer.nodes=2")
    first, other = together(project, *words)
    assert (first.code, other.code) == (1, 1)
    reason = record(project)["failure"]["reason"]
    assert "process 1 of 2 ended with exit code 1" in reason
    assert "ValueError: this process has had enough" in reason
    assert "train.rank1.log" in reason
    refused, also = together(project, *words)
    assert (refused.code, also.code) == (3, 3), "the others hear of a refusal"
    assert "failed, and nothing it depends on has changed" in refused.err
    assert also.err == ""


@pytest.mark.parametrize(
    ("end", "how", "code"),
    [
        (SystemExit(), "ended with exit code 0 before its share was done, as by sys.exit(0)", 1),
        (SystemExit("enough"), "ended with exit code 1", "enough"),
        (SystemExit(128 + signal.SIGTERM), board.STOPS, 128 + signal.SIGTERM),
    ],
)
def test_one_that_leaves_in_the_middle_is_at_fault_unless_it_was_told_to(
    monkeypatch: pytest.MonkeyPatch, end: SystemExit, how: str, code: object
) -> None:
    def share(run_id: str, here: object) -> int:
        raise end

    said: list[str] = []
    words = SimpleNamespace(wait=lambda *keys: {board.RUN: "run"}, leave=said.append, place=None)
    words.beat = words.read = words.silence = lambda *_: None
    monkeypatch.setattr(launched, "share", share)
    monkeypatch.setattr(launched, "end_with_the_first", lambda board, stop: None)
    with pytest.raises(SystemExit) as left:
        launched.follow(words)  # type: ignore[arg-type]
    assert (said, left.value.code) == ([how], code)


@pytest.mark.parametrize(
    ("script", "words", "what"),
    [
        ("train.py", ("conf=net", "trainer=ddp_cpu", "trainer.nodes=2"), "trainer.nodes is 2, and nobody has started"),
        ("train.py", ("conf=net", "trainer.nodes=0"), "trainer.nodes is 0"),
        ("train.py", ("-m", "conf=net", "trainer.nodes=2", "seed=0,1"), "-m cannot start runs of several processes"),
    ],
)
def test_what_nobody_has_started_is_refused(project: Path, script: str, words: tuple[str, ...], what: str) -> None:
    done = launch(project, script, *words)
    assert done.code == 3
    assert what in done.err
    assert "fix  " in done.err
    assert runs(project) == []


def test_other_scripts_are_not_for_a_launcher_and_train_wants_as_many_as_it_asks_for(project: Path) -> None:
    (first, *_) = variables(2, 2)
    done = launch(project, "eval.py", "run_id=latest", environment=first)
    assert done.code == 3
    assert "torchrun started 2 processes of eval.py" in done.err
    first, other = together(project, "conf=net", "trainer=ddp_cpu")
    assert (first.code, other.code) == (3, 3)
    assert "torchrun started 2 processes on 2 nodes, and the experiment asks for 2 on each of 1" in first.err
    assert "trainer.processes=1 trainer.nodes=2" in first.err
    assert runs(project) == []


def test_one_that_finds_nobody_says_so(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name, value in variables(2, 2)[1].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(board, "JOIN_S", 1.0)
    monkeypatch.setattr(board, "TOLD_S", 0.2)
    with pytest.raises(Refusal, match="the 2 processes of this fit did not find each other"):
        board.Board(place())
    assert "for the 2 processes of this fit to find each other" in capfd.readouterr().err


# --- torchrun itself --------------------------------------------------------------------------------------------------


def agent(folder: Path, node: int, port: int, *words: str) -> "subprocess.Popen[bytes]":
    """`torchrun` on one of two nodes, with two processes."""
    places = ("--nnodes=2", "--nproc-per-node=2", f"--node-rank={node}", "--master-addr=127.0.0.1")
    paths = os.pathsep.join([str(folder / "src"), *(path for path in sys.path if path)])
    with (folder.parent / f"node{node}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *places, f"--master-port={port}", "train.py", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@pytest.mark.slow
@pytest.mark.parametrize("dies", [False, True])
def test_torchrun_on_two_nodes(project: Path, dies: bool) -> None:
    experiment(project)
    if dies:
        (project / "die").touch()
    port = free_port()
    agents = [agent(project, node, port, "conf=changed", "trainer=ddp_cpu", "trainer.nodes=2") for node in (0, 1)]
    try:
        codes = [each.wait(180) for each in agents]
    finally:
        for each in agents:
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
    said = [(project.parent / f"node{node}.log").read_text() for node in (0, 1)]
    assert [code == 0 for code in codes] == [not dies, not dies], said
    found = record(project)
    assert len(runs(project)) == 1
    assert (found["world"]["processes"], found["world"]["nodes"]) == (4, 2)
    assert {path.name for path in runs(project)[0].glob("train.rank*.log")} == {f"train.rank{n}.log" for n in (1, 2, 3)}
    if dies:
        assert found["status"] == "failed"
        assert "process 1 of 4 is not heard any more" in found["failure"]["reason"]
    else:
        assert found["status"] == "completed"
        assert f"run {found['run_id']}" in said[0]
        assert found["run_id"] not in said[1]


@pytest.mark.slow
def test_a_job_whose_processes_are_all_told_to_stop_saves_and_goes_on(project: Path) -> None:
    experiment(project)
    words = ("conf=changed", "trainer=ddp_cpu", "trainer.processes=1", "trainer.nodes=2", "limits.save_seconds=1")
    known = variables(2, 2)
    processes = [begin(project, "train.py", *words, "fit.epochs=3000", environment=own) for own in known]
    try:
        until = time.monotonic() + 90
        while not list(project.glob("runs/*/resume/*.ckpt")):
            assert time.monotonic() < until
            time.sleep(0.1)
        for process in reversed(processes):
            os.kill(process.pid or 0, signal.SIGTERM)
        for process in processes:
            process.join(30)
            assert not process.is_alive()
    finally:
        for process in processes:
            process.kill()
    first, other = (ended(project, process) for process in processes)
    assert first.code == 128 + signal.SIGTERM
    assert other.code in (1, 128 + signal.SIGTERM), "by itself, or since the first one ended"
    assert "SIGTERM: saved; the same command goes on from here" in first.out
    assert record(project)["status"] == "running"
    assert "stale" in launch(project, "receipts", "ls").out
