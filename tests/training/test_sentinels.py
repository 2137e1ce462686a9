"""Sentinels in a whole run: a verdict in the record, exit code 4, and the same bits with and without them."""

import time
from pathlib import Path
from typing import Any

import torch
from folders import commit, record, runs, write
from launching import begin, ended

from receipts.runs import record as records
from receipts.runs.process import state

HEAD_ONLY = """
    from torch.optim import SGD

    from lab.net import Net


    class HeadOnly(Net):
        def configure_optimizers(self) -> SGD:
            return SGD(self.body[4].parameters(), lr=self.lr)
"""


def hand_in(project: Path, name: str, kind: str, code: str) -> None:
    """A module of somebody's, and an experiment that is net's in everything else."""
    write(project, f"src/lab/{name}.py", code)
    text = (project / "conf/net.yaml").read_text().replace("lab.net.Net", f"lab.{name}.{kind}")
    (project / f"conf/{name}.yaml").write_text(text)
    commit(project)


def test_a_fault_ends_the_run_with_the_check_and_its_cure(run: Any, project: Path) -> None:
    hand_in(project, "head", "HeadOnly", HEAD_ONLY)
    done = run("train.py", "conf=head")
    assert done.code == 4, done.err
    assert "FAILED" in done.err
    assert "body.0.weight" in done.err
    assert "self.parameters()" in done.err
    found = record(project)
    assert found["status"] == "failed"
    check = next(check for check in found["checks"] if check["code"] == "outside-optimizer")
    assert (check["verdict"], check["stage"]) == ("fail", "training")
    with (project / "conf/head.yaml").open("a") as file:
        file.write("waive: {outside-optimizer: the test says so}\n")
    commit(project)
    assert run("train.py", "conf=head", "preset=smoke").code == 0
    check = next(check for check in record(project)["checks"] if check["code"] == "outside-optimizer")
    assert check["verdict"] == "waived"
    assert "the test says so" in check["evidence"]


def test_switched_off_they_change_no_bit_and_leave_a_run_that_nobody_may_report(train: Any) -> None:
    last = "fit.callbacks=[{_target_: lab.odd.Last}]"
    on = train("conf=net", last, "seed=5")
    off = train("conf=net", last, "seed=5", "sentinels=off", "rerun=true")
    assert on.check("never-moves") == "pass"
    assert off.record["identity"] == on.record["identity"]
    assert not [check for check in off.record["checks"] if check.get("stage") == "training"]
    assert "sentinels=off: nothing watched the training" in off.record["blocked_by"]
    assert on.record["blocked_by"] == []
    one, other = on.last["state_dict"], off.last["state_dict"]
    assert all(torch.equal(one[name], other[name]) for name in one)


FAULTS = """
    import time
    import torch
    from lightning.pytorch import Callback


    class Sleeps(Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if trainer.global_step == 3:
                time.sleep(5)


    class Drifts(Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            if trainer.global_rank == 1:
                next(pl_module.parameters()).data.add_(1e-3)
"""


def told(project: Path) -> list[str]:
    path = project / "told.txt"
    return path.read_text().split() if path.exists() else []


def test_a_silent_fit_shows_as_stalled_dumps_its_stacks_and_tells(run: Any, project: Path) -> None:
    write(project, "src/lab/faults.py", FAULTS)
    commit(project)
    tell = "on_end=echo $RECEIPTS_STATUS >> told.txt"
    words = ("conf=net", "fit.callbacks=[{_target_: lab.faults.Sleeps}]", "limits.silence_minutes=0.02", tell)
    process = begin(project, "train.py", *words)
    seen, until = set(), time.monotonic() + 60
    while process.is_alive() and time.monotonic() < until:
        seen |= {state(records.read(path)) for path in runs(project)}
        time.sleep(0.1)
    assert ended(project, process).code == 0, ended(project, process).err
    assert "stalled" in seen
    assert told(project) == ["stalled", "completed"]
    log = (runs(project)[0] / "train.log").read_text()
    assert "most recent call first" in log
    assert "faults.py" in log
    assert record(project)["silent_since"] is None
    assert run("train.py", *words).code == 0
    assert told(project) == ["stalled", "completed"], "a run that is skipped ends nothing"


def test_a_command_that_fails_moves_no_run_and_a_failing_run_tells(run: Any, project: Path) -> None:
    assert run("train.py", "conf=linear", "on_end=exit 7").code == 0
    assert "ended with exit code 7" in (runs(project)[0] / "train.log").read_text()
    assert run("train.py", "conf=net", "model.lr=0", "on_end=echo $RECEIPTS_STATUS $RECEIPTS_RUN > told.txt").code == 4
    assert told(project) == ["failed", record(project)["run_id"]]


def test_processes_whose_weights_drift_apart_are_told(run: Any, project: Path) -> None:
    write(project, "src/lab/faults.py", FAULTS)
    commit(project)
    words = ("conf=net", "trainer=ddp_cpu", "fit.callbacks=[{_target_: lab.faults.Drifts}]")
    done = run("train.py", *words)
    assert done.code == 4, done.err
    assert "replicas-differ" in done.err
    found = [check["code"] for check in record(project)["checks"] if check["verdict"] == "fail"]
    assert found == ["replicas-differ"]


WRONG_SIGN = """
    from lab.net import Net


    class WrongSign(Net):
        def training_step(self, batch, batch_idx):
            return -super().training_step(batch, batch_idx)
"""


def rehearsals(project: Path) -> list[Path]:
    """What is kept of rehearsals; verdicts on data lie beside them."""
    return [path for path in project.glob("runs/.preflight/*.json") if not path.stem.endswith("-data")]


def test_a_rehearsal_stops_a_run_before_it_trains_and_is_asked_once_for_all_seeds(run: Any, project: Path) -> None:
    hand_in(project, "wrong", "WrongSign", WRONG_SIGN)
    done = run("train.py", "conf=wrong")
    assert done.code == 4, done.err
    assert "cannot-learn-a-batch" in done.err
    assert "the sign of the loss" in done.err
    assert not (runs(project)[0] / "history.csv").exists()
    assert not rehearsals(project), "a failure is looked at again"
    assert run("train.py", "conf=net").code == 0
    (file,) = rehearsals(project)
    then = file.stat().st_mtime_ns
    assert run("train.py", "conf=net", "seed=1").code == 0
    assert file.stat().st_mtime_ns == then
    assert [check["verdict"] for check in record(project)["checks"] if check["code"] == "samples-mixed"] == ["pass"]


def test_more_time_than_may_be_spent_is_refused_before_it_is(run: Any, project: Path) -> None:
    done = run("train.py", "conf=net", "limits.hours=1e-9")
    assert done.code == 4
    assert "time-limit" in done.err
    assert "limits.hours" in done.err
