"""Two processes, one run: real launches on the small project, and the parts of them that need none."""

import csv
from pathlib import Path

import pytest
from folders import commit, record, runs, write
from launching import launch

DDP = ("conf=net", "trainer=ddp_cpu")


def test_two_processes_leave_one_run(project: Path) -> None:
    done = launch(project, "train.py", *DDP)
    assert done.code == 0, done.err
    print(done.out)
    print(done.err)
    (run,) = runs(project)
    print(sorted(p.name for p in run.rglob("*")))
    print((run / "train.rank1.log").read_text()[-1500:])
    print((run / "history.csv").read_text()[-1500:])
    assert 0
