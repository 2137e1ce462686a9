"""Killed and continued is the same as never killed, to the last bit: steps, rates, scores, weights, files."""

import csv
import io
import json
import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from folders import commit, git, inside, record, runs, write
from launching import Ended, begin, ended, launch
from lightning.pytorch import LightningModule

from receipts.config.project import RUNS
from receipts.refusal import Refusal
from receipts.runs import points, resuming
from receipts.runs import record as records
from receipts.runs.files import write_atomically
from receipts.runs.resuming import elsewhere
from receipts.training.building import Whole
from receipts.training.checkpoints import weights_hash
from receipts.training.keeping import WholeFiles, folders_of, moved
from receipts.training.notice import job

LAB = '''
import copy
import dataclasses
import enum
import itertools
import os
import random
import signal
from collections import deque
import numpy as np
import torch
import torchmetrics
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.nn import functional
from lab.lazy import Noise
from lab.net import Net


class Watched(Net):
    """Logs values of its own, and lowers its rate when val no longer gets better."""

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("own", loss, on_step=False, on_epoch=True)
        self.log("most", loss, on_step=False, on_epoch=True, reduce_fx="max")
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("seen", self(batch[0]).mean())

    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=0, factor=0.5, eps=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val/accuracy"}}


class Cycled(Net):
    """A rate for every step."""

    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        steps = self.trainer.estimated_stepping_batches
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.lr, total_steps=int(steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


class Twice(torch.optim.Optimizer):
    """Steps by another optimizer, whose state is in no state of its own, and counts."""

    def __init__(self, parameters, base):
        super().__init__(parameters, {})
        self.base, self.steps = base(self.param_groups), 0
        self.param_groups = self.base.param_groups

    def step(self, closure=None):
        self.steps += 1
        for group in self.param_groups:
            group["weight_decay"] = self.steps / 100
        return self.base.step(closure)

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.base.param_groups = self.param_groups


class Jittered:
    """A schedule that is none of torch's, with a generator that its state lacks."""

    def __init__(self, optimizer):
        self.optimizer, self.done, self.own = optimizer, 0, np.random.RandomState(1)

    def step(self, *_):
        self.done += 1
        for group in self.optimizer.param_groups:
            group["lr"] = 0.01 / self.done * (1 + self.own.rand())

    def state_dict(self):
        return {"done": self.done}

    def load_state_dict(self, state):
        self.done = state["done"]


class ByHand(Net):
    """Adds up the gradients of three batches by itself, and looks at what was logged."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.automatic_optimization = False

    def configure_optimizers(self):
        optimizer = Twice(self.parameters(), lambda groups: torch.optim.SGD(groups, lr=self.lr, momentum=0.9))
        return [optimizer], [Jittered(optimizer)]

    def lr_scheduler_step(self, schedule, metric):
        schedule.step()

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        loss = super().training_step(batch, batch_idx) * (1 + self.trainer.logged_metrics.get("loss", 0.0))
        self.log("loss", loss.detach() / 99, prog_bar=True)
        self.manual_backward(loss / 3)
        if batch_idx % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()
            self.lr_schedulers().step()
        return loss


class Phase(enum.Enum):
    WARM = 1.0
    FULL = 2.0


@dataclasses.dataclass(slots=True)
class Tally:
    calls: int = 0


class Mindful(Net):
    """Keeps beside its weights, in all the ways there are, what its next steps depend on."""

    shared = {"calls": 0}

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.phase, self.tally, self.moved, self.graph = Phase.WARM, Tally(), 0, torch.eye(10).to_sparse()
        self.register_buffer("turned", torch.ones(2, dtype=torch.complex64))
        self.count, self.last, self.center = 0, deque(maxlen=5), torch.zeros(10)
        self.own = [np.random.default_rng(3), random.Random(4), torch.Generator().manual_seed(5)]
        self.register_buffer("moving", torch.zeros(10), persistent=False)
        self.mean, self.teacher = torchmetrics.MeanMetric(), [copy.deepcopy(self.body)]
        self.body[0].requires_grad_(False)
        self.hits, self.shown = {layer: 0 for layer in self.body}, self.body[4].weight.data

    def configure_callbacks(self):
        own = ModelCheckpoint(filename="{step}", monitor="early_step", save_top_k=2, every_n_train_steps=2)
        return [Stronger(), own]

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW([each for each in self.parameters() if each.requires_grad], lr=self.lr)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
        return optimizer

    def on_fit_start(self):
        self.turn = torch.rand(10)
        with torch.no_grad():
            self.body[4].weight.mul_(0.9)

    def on_train_start(self):
        self.start = random.random()
        with torch.no_grad():
            self.body[4].bias.fill_(0.1)
        for group in self.optimizers().param_groups:
            group["weight_decay"] *= 2

    def on_after_batch_transfer(self, batch, dataloader_idx):
        if not self.trainer.training:
            return batch
        self.moved += 1
        return batch[0] + torch.rand_like(batch[0]) / 9 + random.random() / 9 + self.moved / 99, batch[1]

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.schedule.step()

    def training_step(self, batch, batch_idx):
        self.count += 1
        self.shared["calls"] += 1
        self.tally.calls += 1
        self.turned = (self.turned * 1j).conj()
        if self.count == 3:
            self.body[0].requires_grad_(True)
            self.optimizers().optimizer.add_param_group({"params": list(self.body[0].parameters()), "lr": self.lr / 3})
        if self.count == 4:
            self.body[1].eval()
            self.phase = Phase.FULL
        self.body[3].p = 0.2 + self.count / 1000
        outputs = self(batch[0]) - self.center - self.moving
        with torch.no_grad():
            self.center = self.center * 0.9 + outputs.mean(0) * 0.1
            self.moving.lerp_(outputs.mean(0), 0.1)
            for ours, theirs in zip(self.teacher[0].parameters(), self.body.parameters(), strict=True):
                ours.lerp_(theirs, 0.1)
        loss = functional.cross_entropy(outputs, self.teacher[0](batch[0]).softmax(-1).detach())
        loss = loss + functional.cross_entropy(outputs, batch[1])
        self.mean.update(loss.detach())
        drawn = self.own[0].random() + self.own[1].random() + float(torch.rand((), generator=self.own[2]))
        loss = loss * (1 + self.count + sum(self.last) / 9 + drawn / 9) / self.mean.compute()
        self.last.append(float(loss.detach()))
        self.hits[self.body[0]] += 1
        loss = loss * (1 + self.hits[self.body[0]] / 99) + self.shown.square().mean()
        loss = loss * (2.0 if self.phase is Phase.FULL else 1.0) + self.turn.sum() / 9 * loss * self.start
        loss = loss * (1 + (self.shared["calls"] + self.tally.calls) / 99)
        before = self.body[4].weight.grad
        loss = loss if before is None else loss * (1 + before.norm() / 9)
        self.shown = self.body[4].weight.detach() * 0.9
        if batch_idx < 2:
            self.log("early", loss, on_step=True, on_epoch=True)
            self.log("least", loss, on_step=False, on_epoch=True, reduce_fx="min")
        return loss


class Fickle(Net):
    """Draws when an epoch begins and after val, and holds what nobody can store."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.turns, self.after = itertools.count(), 1.0

    def on_train_epoch_start(self):
        self.scale = 1 + random.random() + float(torch.rand(())) + np.random.rand()

    def on_validation_epoch_end(self):
        self.after = 1 + random.random()

    def training_step(self, batch, batch_idx):
        next(self.turns)
        return super().training_step(batch, batch_idx) * self.scale * self.after


class Rising:
    """An augmentation that counts its calls, and draws from everything there is to draw from."""

    def __init__(self):
        self.calls, self.noise = 0, Noise()

    def __call__(self, x, y, generator):
        self.calls += 1
        return self.noise(x, y, generator)


class Stronger(Callback):
    """Counts steps, which it makes larger and larger."""

    def __init__(self):
        self.steps = 0

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.steps += 1
        for tensor in module.parameters():
            tensor.grad = tensor.grad if tensor.grad is None else tensor.grad * (1 + self.steps / 100)


class Fatal(Callback):
    """Notes every step, and sends this process the signal SIGNAL when hook HOOK comes after AT batches."""

    def __init__(self):
        if os.environ.get("HOOK") == "epoch start":  # who has this hook gets no points within epochs
            self.on_train_epoch_start = lambda trainer, module: self.note(trainer, "epoch start")

    def note(self, trainer, hook):
        done = trainer.fit_loop.total_batch_idx + 1
        if os.environ.get("HOOK") == hook and int(os.environ["AT"]) == done and trainer.global_rank == 0:
            os.kill(os.getpid(), getattr(signal, os.environ.get("SIGNAL", "SIGKILL")))

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        loss, rate = outputs["loss"] if outputs else torch.zeros(()), trainer.optimizers[0].param_groups[0]["lr"]
        step = (trainer.fit_loop.total_batch_idx, trainer.global_step, float(loss), rate, float(batch[0].sum()))
        with open(f"{trainer.default_root_dir}/steps.{trainer.global_rank}", "a") as file:
            file.write(" ".join(map(str, step)) + "\\n")
        self.note(trainer, "batch end")

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.note(trainer, "batch start")

    def on_train_epoch_end(self, trainer, module):
        self.note(trainer, "epoch end")

    def on_validation_batch_start(self, trainer, module, batch, batch_idx, *_):
        if batch_idx == min(2, trainer.num_val_batches[0] - 1):
            self.note(trainer, "in val")

    def on_validation_end(self, trainer, module):
        self.note(trainer, "val end")

    def on_train_end(self, trainer, module):
        self.note(trainer, "train end")
'''
CONF = """
{data}
purpose: Can it be killed?
seed: 0
model: {{_target_: lab.fatal.{model}, features: 64, outputs: 10, hidden: 16, dropout: 0.2, lr: {lr}}}
fit:
  epochs: {epochs}
  batch_size: 64
  {more}
  callbacks: [{callbacks}{{_target_: lab.fatal.Fatal}}]
{rest}
"""
LATER = "{_target_: lightning.pytorch.callbacks.GradientAccumulationScheduler, scheduling: {1: 3}}, "
SWA = (
    "{_target_: lightning.pytorch.callbacks.StochasticWeightAveraging, "
    "swa_lrs: 0.005, swa_epoch_start: 1, annealing_epochs: 2}, "
)
EMA = "{_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.9}, "
CONFS = {
    "plateau": {
        "model": "Watched",
        "lr": 0.05,
        "epochs": 4,
        "data": "defaults: [override /data: lazy]",
        "more": "accumulate: 2\n  clip_norm: 1.0\n  validate_every: 0.5\n  select: {patience: 3}",
        "callbacks": EMA,
        "rest": "augment: [{_target_: lab.lazy.Noise}]",
    },
    "cycled": {"model": "Cycled", "lr": 0.01, "epochs": 3, "more": "validate_every: 2"},
    "byhand": {"model": "ByHand", "lr": 0.01, "epochs": 2},
    "single": {"model": "Watched", "lr": 0.05, "epochs": 5, "more": "select: {patience: 2}"},
    "mindful": {
        "model": "Mindful",
        "lr": 0.01,
        "epochs": 2,
        "rest": "augment: [{_target_: lab.fatal.Rising}]",
    },
    "fickle": {"model": "Fickle", "lr": 0.01, "epochs": 3, "callbacks": LATER + SWA},
}
OFTEN, NEVER = "limits.save_seconds=0", "limits.save_seconds=1000"
TIMES = {"elapsed_s", "samples_per_second", "cpu_percent", "memory_mib"}


@pytest.fixture(scope="session")
def bench(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project with experiments that can be killed."""
    folder = tmp_path_factory.mktemp("resume") / "project"
    shutil.copytree(template, folder)
    write(folder, "src/lab/fatal.py", LAB)
    for name, values in CONFS.items():
        text = CONF.format(**{"data": "", "more": "", "callbacks": "", "rest": "", **values})
        write(folder, f"conf/{name}.yaml", text)
    commit(folder)
    return folder


def train(folder: Path, *words: str, killed: str = "", **options: Any) -> Ended:
    """One launch of train.py, killed at `HOOK AT` where that is said."""
    hook, _, at = killed.rpartition(" ")
    done = launch(folder, "train.py", *words, environment={"HOOK": hook, "AT": at or "0"}, **options)
    assert done.code == (-signal.SIGKILL if killed else 0), done.out + done.err
    return done


def essence(run: Path) -> dict[str, Any]:
    """All of a run that may not depend on how often it was interrupted."""
    found = json.loads((run / "record.json").read_text())
    best, last = (torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True) for name in ("best", "last"))
    steps: dict[str, str] = {}
    for line in (run / "steps.0").read_text().splitlines():
        number, _, rest = line.partition(" ")
        assert steps.setdefault(number, rest) == rest, f"step {number} was done twice, and differently"
    with (run / "history.csv").open() as file:
        history = [
            {name: value for name, value in row.items() if name not in TIMES and not name.startswith("gpu")}
            for row in csv.DictReader(file)
        ]
    kept = ("best_model_score", "kth_value", "wait_count", "stopped_epoch", "best_score", "latest_update_step")
    callbacks = {
        name: {key: value for key, value in state.items() if key in kept} for name, state in last["callbacks"].items()
    }
    return {
        **{name: found[name] for name in ("checkpoint", "steps", "stopped", "parameters", "status", "reportable")},
        "scores": [{**score, "at": ""} for score in found["scores"]],
        "checks": sorted(
            (check["code"], check["verdict"], "" if "MiB" in check["evidence"] else check["evidence"])
            for check in found["checks"]
            if check["code"] not in ("time-limit", "disk-room")
        ),
        "steps done": steps,
        "history": history,
        "rates": found["world"]["learning_rates"],
        "kept": sorted(path.name for path in (run / "checkpoints").iterdir()),
        "best": weights_hash(best["state_dict"]),
        "last": weights_hash(last["state_dict"]),
        "optimizers": str(last["optimizer_states"]),
        "schedules": str(last["lr_schedulers"]),
        "callbacks": str(callbacks),
        "predictions": (run / "predictions/val.parquet").read_bytes(),
    }


def compare(folder: Path, *words: str) -> None:
    """The newest run of a project against the same run without interruption."""
    interrupted = runs(folder)[0]
    train(folder, *words, "rerun=true")
    whole = runs(folder)[0]
    assert whole != interrupted
    one, other = essence(interrupted), essence(whole)
    for part in other:
        assert one[part] == other[part], part


KILLS = {
    # 17 batches an epoch, two for each optimizer step; val is scored after 8 and after 16 of them
    "plateau": [
        *("batch end 5", "in val 8", "batch end 16", "val end 16", "batch start 17", "batch end 17"),
        *("epoch end 17", "epoch start 17", "batch start 18", "batch end 30", "train end 68"),
    ],
    "cycled": ["batch end 20", "batch end 34", "in val 34", "epoch end 34", "epoch start 34", "epoch end 51"],
    "byhand": ["batch end 4", "batch start 17", "batch end 17", "batch end 20"],
    "mindful": ["batch end 2", "batch end 6", "batch end 20"],
    "fickle": ["batch end 20", "batch end 24", "batch end 40"],
    "single": ["in val 2", "batch end 3", "epoch start 3", "epoch end 4"],
}
LOST = {"mindful": "Rising[3].calls", "fickle": "Fickle.turns"}
WORDS = {"plateau": ("trainer.workers=1",), "single": ("fit.batch_size=1078",)}


SLOW = [pytest.param("cycled", marks=pytest.mark.slow)]  # its parts are among those of the stop below


@pytest.mark.parametrize("conf", ["plateau", "byhand", "single", "mindful", "fickle", *SLOW])
def test_a_run_that_is_killed_again_and_again_is_the_run_that_is_not(bench: Path, conf: str) -> None:
    words = (f"conf={conf}", OFTEN, *WORDS.get(conf, ()))
    for number, killed in enumerate(KILLS[conf]):
        done = train(bench, *words, killed=killed)
        assert ("  goes on  from training step" in done.out) == (number > 0), (killed, done.out)
    train(bench, *words)
    found = record(bench)
    assert len(found["lives"]) == len(KILLS[conf]) + 1
    told = [warning.partition(" had")[0] for warning in found["warnings"]]
    assert told == [f"no point can hold what {lost}" for name, lost in LOST.items() if name == conf]
    compare(bench, *words)


def test_a_stop_is_obeyed_at_a_point_and_everything_after_the_last_point_is_done_again(bench: Path) -> None:
    words = ("conf=cycled", "seed=1", NEVER)
    stop = {"HOOK": "in val", "AT": "34", "SIGNAL": "SIGTERM"}
    done = launch(bench, "train.py", *words, environment=stop)
    assert done.code == 143, done.out + done.err
    assert "SIGTERM: saved; the same command goes on from here" in done.out
    assert record(bench)["lives"][0]["ended"] is not None
    (point,) = points.found(runs(bench)[0])
    assert points.step_of(point) == 34, "val is finished first, and what follows it"
    facts = json.loads((path := runs(bench)[0] / "environment.json").read_text())
    write_atomically(path, json.dumps({**facts, "cpu": {"model": "another"}}).encode())
    train(bench, *words, killed="batch end 50")
    interrupted = launch(bench, "train.py", *words, environment={"HOOK": "batch end", "AT": "36", "SIGNAL": "SIGINT"})
    assert interrupted.code == 130, interrupted.err
    newest = points.found(runs(bench)[0])[0]
    newest.write_bytes(newest.read_bytes()[:-100])
    done = train(bench, *words)
    assert f"{newest.name} is cut short or damaged: going on from the point before it" in done.out
    found = record(bench)
    (told,) = found["warnings"]
    assert "processor another then" in told, "the lives after that one were all on one machine, and say nothing of it"
    assert [life["step"] for life in found["lives"]] == [0, 34, 34, 34]
    assert [life["reason"] for life in found["lives"]] == [
        "it was stopped",
        "its process was gone",
        "it was stopped",
        "",
    ]
    assert found["cost"]["wall_s"] >= sum(life["wall_s"] for life in found["lives"][:2]) > 0
    assert "34, 34, 34" in (runs(bench)[0] / "README.md").read_text()
    assert not (runs(bench)[0] / points.FOLDER).exists(), "what is complete has nothing to continue"
    points.write(runs(bench)[0], 51, b"left by a kill after the record was closed", Path("none"))
    train(bench, *words)
    assert not (runs(bench)[0] / points.FOLDER).exists()
    compare(bench, *words)


def test_a_run_that_failed_goes_on_when_it_is_named(project: Path) -> None:
    write(
        project,
        "src/lab/broken.py",
        """
        from pathlib import Path
        from lab.net import Net

        class Broken(Net):
            def training_step(self, batch, batch_idx):
                if self.trainer.fit_loop.total_batch_idx == 20 and not Path("mended").exists():
                    raise RuntimeError("the cable was pulled")
                return super().training_step(batch, batch_idx)
        """,
    )
    text = "model: {_target_: lab.broken.Broken, features: 64, outputs: 10, hidden: 16, dropout: 0.2, lr: 0.01}\n"
    write(project, "conf/broken.yaml", "purpose: Why?\nseed: 0\n" + text + "fit: {epochs: 2, batch_size: 64}\n")
    commit(project)
    assert launch(project, "train.py", "conf=broken", OFTEN).code == 1
    run = runs(project)[0]
    again = launch(project, "train.py", "conf=broken")
    assert again.code == 3
    assert f"retry=true, or resume={run.name} to go on at step 20" in again.err
    write(project, "mended", "")

    wrong = launch(project, "train.py", "conf=broken", "model.lr=0.02", f"resume={run.name}")
    assert wrong.code == 3
    assert "is a run of other values" in wrong.err
    assert "model.lr was 0.01, is 0.02" in wrong.err
    assert f"python train.py resume={run.name}" in wrong.err
    unwatched = launch(project, "train.py", f"resume={run.name}", "sentinels=false")
    assert (unwatched.code, "sentinels=true" in unwatched.err) == (3, True)
    other = launch(project, "train.py", "conf=linear")
    nothing = launch(project, "train.py", f"resume={runs(project)[0].name}")
    assert (other.code, nothing.code) == (0, 3)
    assert "is complete" in nothing.err

    done = launch(project, "train.py", f"resume={run.name[:-2]}", "limits.save_seconds=7")
    assert done.code == 0, done.err
    assert "goes on  from training step 20 (RuntimeError: the cable was pulled" in done.out
    found = json.loads((run / "record.json").read_text())
    assert (found["run_id"], found["status"], found["failure"]) == (run.name, "completed", None)
    assert [life["reason"] for life in found["lives"]] == ["RuntimeError: the cable was pulled", ""]
    assert "resume: null" in (run / "config.yaml").read_text(), "whoever repeats the run continues nothing"

    write(project, "src/lab/broken.py", (project / "src/lab/broken.py").read_text() + "\n# changed\n")
    changed = launch(project, "train.py", f"resume={run.name}", "allow_dirty=true")
    assert "is complete" in changed.err


def test_going_on_in_another_environment_is_a_warning(tmp_path: Path) -> None:
    before = {"cpu": {"model": "A"}, "gpu": {"models": None}, "python": {"version": "3.11"}, "packages": {"torch": "2"}}
    (path := tmp_path / "environment.json").write_text(json.dumps(before))
    assert elsewhere(path, before) == []
    (warning,) = elsewhere(path, {**before, "cpu": {"model": "B"}, "packages": {"torch": "2", "numpy": "1"}})
    assert warning.endswith("last bits may differ: processor A then, B now, numpy None then, 1 now")


def test_what_cannot_be_continued_is_said(project: Path) -> None:
    words = ("conf=net", "fit.epochs=100000", OFTEN)
    process = begin(project, "train.py", *words)
    until = time.monotonic() + 60
    while not (runs(project) and points.found(runs(project)[0])):
        assert time.monotonic() < until
        time.sleep(0.05)
    run = runs(project)[0]
    busy = launch(project, "train.py", f"resume={run.name}")
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(30)
    assert ended(project, process).code == -9
    assert busy.code == 3
    assert f"{run.name} is running" in busy.err

    (project / "src/lab/net.py").write_text((project / "src/lab/net.py").read_text() + "\n# changed\n")
    changed = launch(project, "train.py", f"resume={run.name}", "allow_dirty=true")
    assert changed.code == 3
    assert "the code of today is not the code of" in changed.err
    assert "src/lab/net.py" in changed.err
    assert "git checkout" in changed.err
    git(project, "checkout", "-q", "src/lab/net.py")

    for point in points.found(run):
        point.write_bytes(point.read_bytes()[:-1])
    damaged = launch(project, "train.py", f"resume={run.name}")
    assert (damaged.code, "all of its points are cut short or damaged" in damaged.err) == (3, True)
    plain: Any = SimpleNamespace(config=SimpleNamespace(resume=None, rerun=False, sentinels=True))
    with inside(project):
        draft = records.read(RUNS / run.name)
        assert resuming.earlier([records.read(RUNS / run.name)], draft, plain) is None
    assert "is cut short or damaged: this begins anew" in draft.warnings[-1]

    shutil.rmtree(run / points.FOLDER)
    empty = launch(project, "train.py", f"resume={run.name}")
    assert empty.code == 3
    assert "left nothing to continue from" in empty.err
    assert json.loads((run / "record.json").read_text())["status"] == "running", "a refusal changes nothing"
    assert "without resume= starts it anew" in empty.err
    failed = msgspec.structs.replace(draft, status="failed")
    with inside(project), pytest.raises(Refusal, match="retry=true in place of resume= starts it anew"):
        resuming.claimed(failed, failed, plain)
    assert "there is no run 2020" in launch(project, "train.py", "resume=2020").err


# --- the parts --------------------------------------------------------------------------------------------------------


def test_two_points_are_kept_and_those_of_a_life_that_never_was_go(tmp_path: Path) -> None:
    best = tmp_path / "checkpoints/best.ckpt"
    best.parent.mkdir()
    points.write(tmp_path, 5, b"five", best)
    for step in (10, 15):
        write_atomically(best, f"best at {step}".encode())
        points.write(tmp_path, step, f"point {step}".encode(), best)
    assert [points.step_of(point) for point in points.found(tmp_path)] == [15, 10]
    newest, before = points.found(tmp_path)
    newest.write_bytes(b"poin")
    assert points.newest(tmp_path) == before
    for _ in range(2):  # it may be there already, as the same file under another name
        points.bring_back(before, best)
        assert best.read_bytes() == b"best at 10"
        assert list(best.parent.iterdir()) == [best]
    points.write(tmp_path, 12, b"point 12", best)
    assert [points.step_of(point) for point in points.found(tmp_path)] == [12, 10]
    assert {path.suffix for path in (tmp_path / points.FOLDER).iterdir()} == {".ckpt", ".best"}
    best.unlink()
    points.bring_back(points.write(tmp_path, 13, b"point 13", best), best)
    assert not best.exists(), "at that point there was none"
    (tmp_path / points.FOLDER / "000000099-0123456789abcdef.ckpt").write_bytes(b"forged")
    assert points.newest(tmp_path) == points.found(tmp_path)[1]
    points.clear(tmp_path)
    assert points.newest(tmp_path) is None


def test_checkpoints_of_the_modules_own_are_those_of_the_point_that_it_goes_on_from(tmp_path: Path) -> None:
    best, mine = tmp_path / "checkpoints/best.ckpt", tmp_path / "mine"
    for path in (best, mine / "a.ckpt", mine / "notes.txt"):
        write_atomically(path, path.name.encode())
    point = points.write(tmp_path, 5, b"five", best, ["mine", "later", "checkpoints"])
    write_atomically(mine / "a.ckpt", b"another")
    for path in (mine / "a-v1.ckpt", tmp_path / "later/b.ckpt", tmp_path / "checkpoints/c.ckpt"):
        write_atomically(path, b"of a step that never was")
    points.bring_back_others(point, tmp_path)
    found = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.glob("[!r]*/*")}
    assert found == {"checkpoints/best.ckpt": "best.ckpt", "mine/a.ckpt": "a.ckpt", "mine/notes.txt": "notes.txt"}
    (mine / "a.ckpt").unlink()
    points.bring_back_others(point, tmp_path)
    assert (mine / "a.ckpt").read_text() == "a.ckpt"
    for step in (6, 7):
        points.write(tmp_path, step, b"content", best)
    assert not list((tmp_path / points.FOLDER).glob(f"*{points.OTHERS}"))


def test_the_folders_of_other_checkpoints_are_those_in_the_run(tmp_path: Path) -> None:
    places = {"AtEpochs{}": "checkpoints", "Mine": "mine", "Top": ".", "Abroad": "../abroad"}
    states: dict[str, Any] = {name: {"dirpath": str(tmp_path / folder)} for name, folder in places.items()}
    assert folders_of({"callbacks": {**states, "Nowhere": {"dirpath": None}, "Own": 3}}, tmp_path) == {"mine"}


def test_a_disk_that_does_not_give_back_what_it_took_keeps_the_point_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, best = points.write(tmp_path, 1, b"one", tmp_path / "none"), tmp_path / "best.ckpt"
    best.write_bytes(b"the best")

    def halved(path: Path, content: bytes) -> None:
        assert path.with_suffix(points.BEST).read_bytes() == b"the best", "a kill between the two would lose it"
        path.write_bytes(content[:-1])

    monkeypatch.setattr(points, "write_atomically", halved)
    with pytest.raises(OSError, match="not what was written"):
        points.write(tmp_path, 2, b"two", best)
    assert points.found(tmp_path) == [before]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            {"late.weight": torch.zeros(1), "early.weight": torch.zeros(1)},
            "made layers after it was built, late.weight",
        ),
        ({}, "lost layers since it was built, early.weight"),
        ({"early.weight": torch.eye(2).to_sparse()}, "early.weight .* is no tensor with all its values"),
    ],
)
def test_no_checkpoint_is_written_that_nobody_could_load(tmp_path: Path, state: dict[str, Any], said: str) -> None:
    whole = Whole(LightningModule())
    whole.names = {"early.weight"}
    with pytest.raises(Refusal, match=said):
        WholeFiles(whole).save_checkpoint({"state_dict": state, "callbacks": {}}, tmp_path / "best.ckpt")
    assert not any(tmp_path.iterdir())
    whole.module.strict_loading = False
    WholeFiles(whole).save_checkpoint({"state_dict": {}, "callbacks": {}}, tmp_path / "best.ckpt")


def test_nothing_in_a_point_is_executed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    content = io.BytesIO()
    torch.save({"state_dict": {}, "callbacks": {}, "receipts": [Bomb()]}, content)
    point = points.write(tmp_path, 1, content.getvalue(), tmp_path / "none")
    with pytest.raises(Refusal, match="no readable checkpoint"):
        WholeFiles().load_checkpoint(point, weights_only=False)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("checkpoint", "named"),
    [
        ({"callbacks": {"Mean": {"total": np.zeros(2)}}}, "callbacks.Mean.total is a ndarray"),
        ({"mine": [1, {"kind": Path("a")}]}, r"mine\[1\].kind is a PosixPath"),
        ({"hyper_parameters": {"width": np.float64(2)}}, "hyper_parameters.width is a float64"),
        ({"counts": {np.int64(1): 2}}, "a key of counts is a int64"),
    ],
)
def test_what_no_checkpoint_can_hold_is_named_when_the_first_is_written(
    tmp_path: Path, checkpoint: dict[str, Any], named: str
) -> None:
    with pytest.raises(Refusal, match=named):
        WholeFiles().save_checkpoint({"state_dict": {}, "size": torch.Size([2]), **checkpoint}, tmp_path / "best.ckpt")
    assert not any(tmp_path.iterdir())


def test_a_run_folder_may_be_moved(tmp_path: Path) -> None:
    folder = os.path.realpath(tmp_path / "checkpoints")
    states = {
        "best": {
            "dirpath": "/gone/checkpoints",
            "best_model_path": "/gone/checkpoints/best.ckpt",
            "best_k_models": {"/gone/checkpoints/best.ckpt": torch.tensor(0.5)},
            "best_model_score": torch.tensor(0.5),
        },
        "own": {"dirpath": f"/gone/{tmp_path.name}/mine", "last_model_path": f"/gone/{tmp_path.name}/mine/a.ckpt"},
        "other": {"wait_count": 2},
    }
    state = moved({"callbacks": states}, tmp_path / "checkpoints")["callbacks"]
    assert state["best"]["dirpath"] == folder
    assert state["best"]["best_model_path"] == f"{folder}/best.ckpt"
    assert state["best"]["best_k_models"] == {f"{folder}/best.ckpt": torch.tensor(0.5)}
    mine = os.path.realpath(tmp_path / "mine")
    assert state["own"] == {"dirpath": mine, "last_model_path": f"{mine}/a.ckpt"}
    assert state["other"] == {"wait_count": 2}


def test_slurm_puts_a_job_that_is_pre_empted_back_into_the_queue(bench: Path, tmp_path: Path) -> None:
    """A stand-in for scontrol: no SLURM was at hand."""
    told = tmp_path / "told"
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    (tmp_path / "scontrol").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "1"}
    sent = {"HOOK": "batch end", "AT": "3", "SIGNAL": "SIGUSR1"}
    words = ("conf=cycled", "seed=2", "fit.epochs=1", NEVER)
    done = launch(bench, "train.py", *words, environment={**environment, **sent})
    assert done.code == 128 + signal.SIGUSR1, done.out + done.err
    assert "job 7 is queued again" in done.out
    assert told.read_text().split() == ["requeue", "7"]
    late = launch(bench, "train.py", *words, environment={"HOOK": "epoch end", "AT": "17", "SIGNAL": "SIGTERM"})
    assert late.code == 143, "there is no point any more, and the signal is not forgotten"
    assert "goes on  from training step 3 (it was stopped" in late.out
    assert "goes on  from training step 3 (it was stopped" in train(bench, *words).out


@pytest.mark.parametrize(("array", "said"), [({}, None), ({"SLURM_JOB_ID": "7"}, "7")])
def test_a_job_is_named_as_scontrol_does(monkeypatch: pytest.MonkeyPatch, array: dict[str, str], said: str) -> None:
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in array.items():
        monkeypatch.setenv(name, value)
    assert job() == said
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "5")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert job() == "5_2"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("conf", "kills"),
    [
        ("plateau", WITHIN := ("batch end 20", "batch end 34", "epoch end 34", "in val 68")),
        ("cycled", WITHIN),
        ("fickle", ("batch end 40", "epoch end 68", "batch end 75")),  # averaged weights; points between epochs only
    ],
)
def test_two_processes_that_are_killed_are_two_that_are_not(bench: Path, conf: str, kills: tuple[str, ...]) -> None:
    words = (f"conf={conf}", OFTEN, "trainer=ddp_cpu", "fit.batch_size=32")
    for number, killed in enumerate(kills):
        done = train(bench, *words, killed=killed)
        assert ("  goes on  from training step" in done.out) == (number > 0), (killed, done.out)
    train(bench, *words)
    compare(bench, *words)
