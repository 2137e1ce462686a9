"""Processes that a launcher started: each is told who it is by its environment, and finds the others by itself.

Most tests tell the environment what torchrun would, and fork; one, slow, asks torchrun itself.
"""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from folders import commit, record, runs, write
from launching import Ended, begin, ended, launch

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


def variables(world: int, nodes: int) -> list[dict[str, str]]:
    """What torchrun would say to each process."""
    port, each = str(free_port()), world // nodes
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


def together(folder: Path, *words: str, world: int = 2, nodes: int = 2, timeout: float = 90) -> list[Ended]:
    """The same command in every process of a fit."""
    processes = [begin(folder, "train.py", *words, environment=own) for own in variables(world, nodes)]
    try:
        for process in processes:
            process.join(timeout)
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


def test_a_killed_process_fails_the_run_by_name_within_a_minute(project: Path) -> None:
    experiment(project)
    (project / "die").touch()
    words = ("conf=changed", "trainer=ddp_cpu", "trainer.processes=1", "trainer.nodes=3", "retry=true")
    began = time.monotonic()
    first, killed, third = together(project, *words, world=3, nodes=3)
    assert time.monotonic() - began < 60
    assert (first.code, killed.code, third.code) == (1, -9, 1)
    found = record(project)
    assert found["status"] == "failed"
    assert "process 1 of 3 is not heard any more" in found["failure"]["reason"]
    assert "train.rank1.log: " in found["failure"]["reason"]
    assert "Traceback" in (runs(project)[0] / "train.rank2.log").read_text()
