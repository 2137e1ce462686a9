"""Sentinels in a whole run: a verdict in the record, exit code 4, and the same bits with and without them."""

from pathlib import Path
from typing import Any

import torch
from folders import commit, write

HEAD_ONLY = """
    from torch.optim import SGD

    from lab.net import Net


    class HeadOnly(Net):
        def configure_optimizers(self) -> SGD:
            return SGD(self.body[4].parameters(), lr=self.lr)
"""


def test_a_fault_ends_the_run_with_the_check_and_its_cure(run: Any, project: Path) -> None:
    from folders import record

    write(project, "src/lab/head.py", HEAD_ONLY)
    write(project, "conf/head.yaml", "defaults: [net]\npurpose: Is it caught?\nmodel: {_target_: lab.head.HeadOnly}\n")
    text = (project / "conf/net.yaml").read_text().replace("lab.net.Net", "lab.head.HeadOnly")
    (project / "conf/head.yaml").write_text(text)
    commit(project)
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
    assert run("train.py", "conf=head", "retry=true").code == 0
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
