"""Two processes, one run: real launches on the small project, and the parts of them that need none."""

import csv
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import psutil
import pytest
import torch
from folders import commit, record, runs, write
from launching import begin, ended, launch
from lightning.pytorch import Trainer

from receipts.config.place import Place
from receipts.data.batches import TrainBatches
from receipts.data.items import Items
from receipts.data.sealed import Subset
from receipts.data.shares import Share
from receipts.data.workers import WorkerTrainBatches
from receipts.evaluation.storage import read
from receipts.provenance import code
from receipts.refusal import Refusal
from receipts.training import deaths, ranks
from receipts.training import rank as beside
from receipts.training.deaths import RankDied
from receipts.training.method import Site
from receipts.training.validation import once
from receipts.training.weighting import scaled

DDP = ("conf=net", "trainer=ddp_cpu")
WITNESS = """
import os
from pathlib import Path
from typing import Any, ClassVar
import torch
from lab.net import Net

class Changed(Net):
    def note(self, name, *words):
        if self.trainer.world_size == 1:
            return  # a rehearsal, before the others are started
        with Path(f"{name}.{self.global_rank}").open("a") as file:
            file.write(" ".join(str(word) for word in words) + "\\n")

    def on_fit_start(self):
        self.note("weights", sum(p.detach().double().sum().item() for p in self.parameters()))
        self.note("environment", sorted(name for name in os.environ if name in ("MASTER_PORT", "OMP_NUM_THREADS")))

    def training_step(self, batch, batch_idx):
        if self.current_epoch == 0:
            self.note("rows", *batch[1].tolist())
            self.note("draws", torch.rand(()).item())
        if Path("die").exists() and self.global_rank == 1 and self.current_epoch == 1:
            raise ValueError("this process has had enough")
        return super().training_step(batch, batch_idx)
"""


def witness(folder: Path) -> None:
    """An experiment of a network that notes what each process sees."""
    write(folder, "src/lab/witness.py", WITNESS)
    text = "purpose: Who sees what?\nseed: 0\nmodel: {_target_: lab.witness.Changed, features: 64, outputs: 10, "
    write(folder, "conf/witness.yaml", text + "hidden: 8, dropout: 0.5, lr: 0.01}\nfit: {epochs: 3, batch_size: 64}\n")
    commit(folder)


def test_two_processes_leave_one_run(project: Path) -> None:
    witness(project)
    done = launch(project, "train.py", "conf=witness", "trainer=ddp_cpu", "limit.rows=181")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("epoch 1/3  loss") == 1
    (run,) = runs(project)
    found = record(project)
    assert (found["status"], found["world"]["processes"], found["world"]["global_batch"]) == ("completed", 2, 64)
    assert found["world"]["learning_rates"] == [0.01]
    assert "64 samples an optimizer step, over all 2 processes" in done.out
    assert "64 samples a step over 2 processes, at a learning rate of 0.01" in (run / "README.md").read_text()
    assert {path.name for path in run.glob("*.log")} == {"train.log", "train.rank1.log"}
    assert len(re.findall(r"step \d+/9 loss", (run / "train.rank1.log").read_text())) == 9

    stored = read(run / "predictions/val.parquet")
    assert len(stored.ids) == len(set(stored.ids)) == 181
    best = max(float(row["val/accuracy"]) for row in csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert best == found["scores"][0]["metrics"]["accuracy"]["value"]
    changing = ("class-ignored", "inputs-prepared-otherwise")  # are not asked of a module that looks at its epoch
    verdicts = {check["verdict"] for check in found["checks"] if check["code"] not in changing}
    assert verdicts <= {"pass", "not applicable"}

    def notes(name: str) -> list[str]:
        return [(project / f"{name}.{rank}").read_text() for rank in (0, 1)]

    assert notes("weights")[0] == notes("weights")[1]
    assert notes("environment")[0] == "['MASTER_PORT', 'OMP_NUM_THREADS']\n"
    draws = [float(line) for text in notes("draws") for line in text.split("\n") if line]
    assert len(set(draws)) == len(draws) == 6
    steps = [[line.split() for line in text.splitlines()] for text in notes("rows")]
    assert [[len(step) for step in process] for process in steps] == [[32, 32, 27], [32, 32, 26]]
    seen = sorted(int(label) for process in steps for step in process for label in step)
    (part,) = [entry["n"] for entry in found["scores"]]
    assert len(seen) == part == 181
    assert launch(project, "train.py", "conf=witness", "trainer=ddp_cpu", "limit.rows=181").out.count("epoch") == 0
    assert launch(project, "eval.py", "run_id=latest", "split=val").code == 0
    assert record(project)["scores"][1]["metrics"] == found["scores"][0]["metrics"]


def test_a_process_that_dies_fails_the_run_and_leaves_nobody_behind(project: Path) -> None:
    witness(project)
    (project / "die").touch()
    done = launch(project, "train.py", "conf=witness", "trainer=ddp_cpu", "limit.rows=181")
    assert done.code == 1
    found = record(project)
    assert found["status"] == "failed"
    assert "process 1 of 2 ended with exit code 1" in found["failure"]["reason"]
    assert "ValueError: this process has had enough" in found["failure"]["reason"]
    assert "train.rank1.log" in done.err
    assert helpers(found["run_id"]) == []


def test_a_killed_run_takes_its_processes_along(project: Path) -> None:
    process = begin(project, "train.py", *DDP, "fit.epochs=100000")
    try:
        until = time.monotonic() + 60
        while not (runs(project) and helpers(runs(project)[0].name)):
            assert time.monotonic() < until
            time.sleep(0.1)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(30)
        while left := helpers(runs(project)[0].name):
            assert time.monotonic() < until, left
            time.sleep(0.1)
    finally:
        process.kill()
    assert ended(project, process).code == -9
    assert "stale" in launch(project, "receipts", "ls").out


def test_three_processes_twice_are_the_same_bits_and_one_that_is_killed_is_named(project: Path) -> None:
    words = ("conf=net", "fit.batch_size=48", "trainer=ddp_cpu", "trainer.processes=3", "limit.rows=181")
    for switch in ("rerun=false", "rerun=true"):
        assert (done := launch(project, "train.py", *words, switch)).code == 0, done.err
    first, again = record(project, 1), record(project)
    assert first["run_id"] != again["run_id"]
    assert first["checkpoint"]["weights"] == again["checkpoint"]["weights"]
    assert first["scores"][0]["sha256"] == again["scores"][0]["sha256"]
    (held,) = [check for check in again["checks"] if check["code"] == "replicas-differ"]
    assert held["verdict"] == "pass"
    assert "on 3 processes" in held["evidence"]

    began, process = time.monotonic(), begin(project, "train.py", *words, "fit.epochs=100000", "limit.epochs=100000")
    try:
        until = began + 100
        while not (log := runs(project)[0] / "history.csv").exists() or len(helpers(log.parent.name)) < 2:
            assert time.monotonic() < until
            time.sleep(0.1)
        killed = time.monotonic()
        (second,) = [pid for pid in helpers(log.parent.name) if psutil.Process(pid).cmdline()[-3] == "2"]
        os.kill(second, signal.SIGKILL)
        process.join(60)
        assert time.monotonic() - killed < 60
    finally:
        process.kill()
    assert ended(project, process).code == 1
    assert record(project)["status"] == "failed"
    assert "process 2 of 3 was killed by SIGKILL" in record(project)["failure"]["reason"]
    assert helpers(log.parent.name) == []


def test_a_run_told_to_stop_stops_at_once_and_takes_its_processes_along(project: Path) -> None:
    process = begin(project, "train.py", *DDP, "fit.epochs=100000")
    try:
        until = time.monotonic() + 100
        while not (runs(project) and (runs(project)[0] / "history.csv").exists()):
            assert time.monotonic() < until
            time.sleep(0.1)
        os.kill(process.pid or 0, signal.SIGTERM)
        process.join(20)
        assert not process.is_alive()
    finally:
        process.kill()
    assert ended(project, process).code == 128 + signal.SIGTERM
    assert helpers(runs(project)[0].name) == []


def helpers(run_id: str) -> list[int]:
    """The processes beside the first of a run."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if run_id in (process.info["cmdline"] or []) and "receipts.training.rank" in process.info["cmdline"]
    ]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("trainer=ddp_cpu", "fit.batch_size=63"), "does not divide by 2 processes"),
        (("trainer=ddp",), "starts one process on each GPU, and there is none here"),
        (("-m", "trainer.processes=3", "fit.batch_size=63", "seed=0,1"), "-m cannot start runs of several processes"),
        (("conf=linear", "trainer=ddp_cpu"), "which means nothing to sklearn.pipeline.Pipeline"),
        (("trainer=ddp_cpu", "facts.deterministic=true"), "facts.deterministic is declared"),
    ],
)
def test_what_several_processes_cannot_do_costs_nothing(project: Path, words: tuple[str, ...], what: str) -> None:
    done = launch(project, "train.py", *words, environment={"CUDA_VISIBLE_DEVICES": ""})
    assert done.code == 3
    assert what in done.err
    assert "fix  " in done.err
    assert "Traceback" not in done.err
    assert runs(project) == []


# --- shares -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 4, 5, 15, 43, 60, 133])
def test_every_row_is_trained_on_once_in_as_many_steps_for_all(n: int, world: int) -> None:
    batch = 5 * world
    x, y = torch.arange(float(n))[:, None], torch.arange(n)
    loaders = [TrainBatches(x, y, batch, 7, share=Share(rank, world)) for rank in range(world)]
    steps = [[labels.tolist() for _, labels in loader] for loader in loaders]
    assert {len(process) for process in steps} == {len(loaders[0])}
    alone = [sorted(labels.tolist()) for _, labels in TrainBatches(x, y, batch, 7)]
    seen: list[int] = []
    for number, parts in enumerate(zip(*steps, strict=True)):
        rows = min(batch, n - number * batch)
        weights = [Share(rank, world).weight(rows) for rank in range(world)]
        own = [part if weight else [] for part, weight in zip(parts, weights, strict=True)]
        assert all(parts), "every process needs a row in every step"
        assert max(map(len, own)) - min(map(len, own)) <= 1
        mean = sum(w * np.mean(part) for w, part in zip(weights, parts, strict=True)) / world
        assert mean == pytest.approx(np.mean([row for part in own for row in part]))
        assert sorted(row for part in own for row in part) == alone[number], "the same global batches as in one process"
        seen += alone[number]
    assert sorted(seen) == list(range(n))


def test_every_process_augments_by_draws_of_its_own_also_when_its_batches_are_read_one_by_one() -> None:
    def noise(x: torch.Tensor, y: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(1, generator=generator), y

    found: list[float] = []
    for rank in range(3):
        x, y, share = torch.zeros(8, 1), torch.zeros(8, dtype=torch.int64), Share(rank, 3)
        found += [float(drawn) for drawn, _ in TrainBatches(x, y, 6, 7, [noise], share)]
        items = Items(Zeros(), np.arange(8))
        read = [float(drawn) for drawn, _ in WorkerTrainBatches(items, y, 6, 7, [noise], 0, share)]
        assert read == found[-2:]
    assert len(set(found)) == len(found) == 6


class Zeros:
    ids: ClassVar = list(range(8))

    def __getitem__(self, row: int) -> np.ndarray[Any, Any]:
        return np.zeros(1, np.float32)


@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 4, 5, 43])
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_every_id_is_scored_once_by_any_number_of_processes(n: int, world: int, batch: int) -> None:
    ids = [f"id-{row}" for row in range(n)]
    val = Subset("val", ids, {"a": np.arange(n)}, np.arange(n), None, None)
    parts = []
    for rank in range(world):
        mine = Share(rank, world).of_split(val, batch)
        assert len(mine) >= 1
        parts.append((mine.ids, {"value": np.asarray(mine.targets) * 2.0}))
    whole = once(parts, ids, batch)
    assert isinstance(whole, dict)
    assert whole["value"].tolist() == [row * 2.0 for row in range(n)]
    if n > batch * world > batch:
        with pytest.raises(AssertionError, match="predicted twice"):
            once([*parts[:-1], (ids[:1], {"value": np.zeros(1)}), parts[-1]], ids, batch)


def test_a_loss_is_weighted_wherever_it_stands() -> None:
    loss = torch.tensor(3.0)
    assert scaled(loss, 1.0) is loss
    assert scaled({"loss": loss, "extra": 1}, 0.5) == {"loss": torch.tensor(1.5), "extra": 1}
    assert scaled(None, 0.5) is None


def test_the_weighted_mean_over_processes_is_the_gradient_of_the_whole_batch() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2).double()
    x, y = torch.randn(5, 3).double(), torch.randint(0, 2, (5,))

    def gradient(rows: torch.Tensor, weight: float) -> torch.Tensor:
        layer.zero_grad()
        (torch.nn.functional.cross_entropy(layer(x[rows]), y[rows]) * weight).backward()
        assert layer.weight.grad is not None
        return layer.weight.grad.clone()

    whole = gradient(torch.arange(5), 1.0)
    for world in (2, 3, 7):
        shares = [Share(rank, world) for rank in range(world)]
        parts = [gradient(share.of_step(torch.arange(5)), share.weight(5)) for share in shares]
        assert torch.allclose(torch.stack(parts).mean(0), whole, atol=1e-14)


# --- the code of a fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lab", "core", "changed"),
    [
        ({"src/lab/net.py": "1"}, code.core(), None),
        ({"src/lab/net.py": "2"}, code.core(), "changed: src/lab/net.py"),
        ({"src/lab/net.py": "1", "src/lab/loss.py": "1"}, code.core(), "changed: src/lab/loss.py"),
        ({"src/lab/net.py": "1"}, "0", "changed: src/receipts"),
    ],
)
def test_a_process_that_found_other_code_than_the_run_was_made_from_takes_no_part(
    monkeypatch: pytest.MonkeyPatch, lab: dict[str, str], core: str, changed: str | None
) -> None:
    monkeypatch.setattr(beside, "targets", lambda values: ["lab.net.Net"])
    monkeypatch.setattr(code, "lab", lambda targets: {"src/lab/net.py": "1"})
    made: Any = SimpleNamespace(code=SimpleNamespace(lab=lab, core=SimpleNamespace(sha256=core)))
    experiment: Any = SimpleNamespace(values={})
    if changed is None:
        beside.refuse_other_code(made, experiment)
        return
    with pytest.raises(Refusal) as refused:
        beside.refuse_other_code(made, experiment)
    assert refused.value.why == changed


# --- the variables of a fit -------------------------------------------------------------------------------------------


def test_one_that_could_not_reach_another_waits_longer_to_hear_which() -> None:
    closed = RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1")
    waits = [ranks.patience(error) for error in (None, closed, RuntimeError("out of memory"), ValueError("its own"))]
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] == 0


CLOSED = "RuntimeError: [gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1"
OWN = "ValueError: this process has had enough"


@pytest.mark.parametrize(
    ("ends", "words", "named"),
    [
        (("exec sleep 60", "exit 0"), ("", ""), "process 2 of 3 ended with exit code 0 before its share was done"),
        (("exit 0", "exit 1"), ("", CLOSED), "process 1 of 3 ended with exit code 0 before its share was done"),
        (("exit 1", "sleep 0.3; exit 1"), (CLOSED, OWN), "process 2 of 3 ended with exit code 1 .*had enough"),
        (("sleep 0.3; exit 1", "kill -9 $$"), (OWN, ""), "process 2 of 3 was killed by SIGKILL"),
        ((f"exit {deaths.SHARE_DONE}", "exit 1"), ("", OWN), "process 2 of 3 ended with exit code 1 .*had enough"),
        (("exec sleep 60", "exit 1"), ("", CLOSED), "process 2 of 3 ended with exit code 1 .*closed by peer"),
    ],
)
def test_of_those_that_ended_the_one_at_fault_is_named_and_not_those_that_missed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: tuple[str, ...], words: tuple[str, ...], named: str
) -> None:
    monkeypatch.setattr(ranks, "NOTICE_S", 1.0)
    folder = tmp_path / "peer"  # a run that is called so has lost nobody by that
    folder.mkdir()
    run: Any = SimpleNamespace(folder=folder)
    helpers = ranks.Helpers(run, site := Site(folder, place=Place(world=3)))
    for rank, text in enumerate(words, 1):
        site.log_of(rank).write_text(text)
    helpers.processes = {rank: subprocess.Popen(["sh", "-c", end]) for rank, end in enumerate(ends, 1)}
    with pytest.raises(RankDied, match=named):
        helpers.__exit__(RuntimeError, RuntimeError(CLOSED), None)
    assert all(process.returncode is not None for process in helpers.processes.values()), "and nobody is left behind"


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (None, 1),
        (["some-check", "it failed", "for a reason", "mend it"], 4),
        ([None, "it was refused", "for a reason", "mend it"], 3),
    ],
)
def test_one_that_waits_for_ever_for_one_that_left_closes_its_run_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: list[str | None] | None, code: int
) -> None:
    monkeypatch.setattr(ranks, "NOTICE_S", 0.1)
    monkeypatch.setattr(ranks, "LOOK_S", 0.05)
    closed: list[Any] = []
    run: Any = SimpleNamespace(
        folder=tmp_path,
        record=SimpleNamespace(checks=[]),
        __exit__=lambda kind, error, trace: closed.append(error),
    )
    if note:
        (tmp_path / deaths.NOTE.format(1)).write_text(json.dumps(note))
    monkeypatch.setattr(os, "_exit", lambda code: helpers.left.set() or closed.append(code))
    helpers = ranks.Helpers(run, Site(tmp_path, place=Place(world=2)))
    helpers.processes = {1: subprocess.Popen(["true"])}
    helpers.watch()
    problem, ended_with = closed
    assert ended_with == code
    assert ("exit code 0 before its share was done" in str(problem)) == (note is None)
    assert [check.code for check in run.record.checks] == ([note[0]] if code == 4 else [])


def test_one_that_is_stopped_is_told_of_each_time_it_is_and_not_at_every_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run: Any = SimpleNamespace(folder=tmp_path)
    helpers = ranks.Helpers(run, Site(tmp_path, place=Place(world=3)))
    helpers.processes = {rank: subprocess.Popen(["sleep", "60"]) for rank in (1, 2)}
    pid = helpers.processes[2].pid
    try:
        for number, state in ((signal.SIGSTOP, os.WSTOPPED), (signal.SIGCONT, os.WCONTINUED)) * 2:
            os.kill(pid, number)
            os.waitid(os.P_PID, pid, state)
            for _ in range(3):
                helpers.tell_of_stopped()
    finally:
        helpers.end()
    helpers.tell_of_stopped()
    assert caplog.messages == [f"process 2 of 3 is stopped, and all wait for it: kill -CONT {pid}"] * 2


def test_a_record_that_cannot_be_written_keeps_nobody_waiting(capfd: pytest.CaptureFixture[str]) -> None:
    def full(kind: object, error: object, trace: object) -> None:
        raise OSError(5, "Input/output error")

    run: Any = SimpleNamespace(__exit__=full)
    assert deaths.close(run, RankDied("process 1 of 2 was killed")) == 1
    assert "Input/output error" in capfd.readouterr().err


def test_what_is_kept_from_lightning_is_still_called_that_way() -> None:
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    assert callable(trainer._signal_connector.register_signal_handlers)
    assert callable(trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor)


def test_the_variables_of_a_fit_do_not_outlive_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with ranks.scrubbed():
        os.environ["MASTER_PORT"] = os.environ["OMP_NUM_THREADS"] = os.environ["MASTER_ADDR"] = "2"
    assert os.environ["MASTER_PORT"] == "1"
    assert not {"OMP_NUM_THREADS", "MASTER_ADDR"} & set(os.environ)
