"""Kills of train, eval, ablate and report at drawn moments: what is still there, and what the next command does."""

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import surviving
from launching import Ended, launch
from striking import NEVER, Blow, before, counted, draw

from receipts.runs.record import Record

NAMES = {signal.SIGKILL: "SIGKILL", signal.SIGTERM: "SIGTERM"}
TRAINED = ("train.py", "conf=net", "fit.epochs=4")
MADE = {  # what runs in a scene before its command: a bystander that must not be touched, and what the command needs
    "train": [("train.py", "conf=linear")],
    "eval": [TRAINED],
    "ablate": [("train.py", "conf=linear")],
    "report": [
        *(("train.py", "conf=linear"), ("eval.py", "run_id=latest"), ("report.py",)),
        *(TRAINED, ("eval.py", "run_id=latest")),  # which the report does not know of yet
    ],
}
COMMANDS = {
    "train": TRAINED,
    "eval": ("eval.py", "run_id=latest"),
    "ablate": ("ablate.py", "conf=net", "override=model.dropout=0", "seeds=2", "workers=2", "preset=smoke"),
    "report": ("report.py", "hourly_rate=2"),
}

MANY = {"train": 20, "eval": 14, "ablate": 8, "report": 10}


class Killed(NamedTuple):
    """One kill: which command, the moment, how it ended, and what was wrong afterwards (nothing, in the end)."""

    scene: str
    seed: int
    blow: Blow
    code: int
    findings: list[str]

    def __str__(self) -> str:
        name = NAMES[signal.Signals(self.blow.number)]
        after = f" + {self.blow.delay:.2f} s" if self.blow.delay else ""
        told = "; ".join(self.findings) or "whole, and the next command completed it"
        return f"{self.scene} seed {self.seed}: {name} at change {self.blow.at}{after}, exit code {self.code}: {told}"


@dataclass
class Scene:
    """A project in which a command is about to run, the same for every kill, and what that comes to undisturbed."""

    name: str
    project: Path
    place: Path

    @property
    def words(self) -> tuple[str, ...]:
        """The command."""
        return COMMANDS[self.name]

    @cached_property
    def start(self) -> Path:
        """The project before the command."""
        start = self.place / f"{self.name}-start"
        shutil.copytree(self.project, start)
        for words in MADE[self.name]:
            done = launch(start, *words)
            assert done.code == 0, done.out + done.err
        return start

    @cached_property
    def undisturbed(self) -> tuple[int, set[tuple[object, ...]]]:
        """How many changes the whole command makes, and what it leaves."""
        folder = shutil.copytree(self.start, self.place / f"{self.name}-whole")
        done = self.launch(folder, Blow(signal.SIGTERM, NEVER, 0.0))
        assert done.code == 0, done.out + done.err
        return counted(folder.with_suffix(".count")), outcome(folder)

    def launch(self, folder: Path, blow: Blow) -> Ended:
        """Start the command; strike it."""
        prepare = before(folder.with_suffix(".count"), blow, self.name == "ablate")
        return launch(folder, *self.words, before=prepare, timeout=300)

    def kill(self, seed: int, number: int) -> Killed:
        """Kill the command once, look, and start it again."""
        changes, wanted = self.undisturbed
        blow = draw(seed, changes, number)
        folder = shutil.copytree(self.start, self.place / f"{self.name}-{seed}")
        there = surviving.kept(folder)
        struck = self.launch(folder, blow)
        if struck.code == 0:  # it was faster than the delay
            return self.kill(seed + 1000, number)
        found = [f"after the kill: {problem}" for problem in surviving.findings(folder, there)]
        found += told_badly(struck)
        again = self.launch(folder, Blow(signal.SIGTERM, NEVER, 0.0))
        if again.code != 0:
            found.append(f"the next command ended with {again.code}: {again.err or again.out}")
        found += [f"after the next command: {problem}" for problem in surviving.findings(folder, there)]
        if (came := outcome(folder)) != wanted:
            found.append(f"the next command came to {sorted(came ^ wanted, key=str)}")
        found += [f"{name} was left behind" for name in surviving.litter(folder) if not interrupted(folder, name)]
        if not found:
            shutil.rmtree(folder)
        return Killed(self.name, seed, blow, struck.code, found)


def matrix(project: Path, place: Path, kills: dict[str, int], seed: int = 0) -> Iterator[Killed]:
    """So many kills of each command, SIGKILL and SIGTERM in turn, told as they are done."""
    for name, times in kills.items():
        scene = Scene(name, project, place)
        for number in range(times):
            yield scene.kill(seed + number, signal.SIGKILL if number % 2 == 0 else signal.SIGTERM)


def outcome(folder: Path) -> set[tuple[object, ...]]:
    """What the completed runs of a folder come to: identity, weights and numbers; and whether there is a report."""
    done = [record for record in surviving.kept(folder).values() if record.status == "completed"]
    found: set[tuple[object, ...]] = {(record.identity.id, weights(record), *values(record)) for record in done}
    return found | {("report", (folder / "report" / "index.html").is_file())}


def weights(record: Record) -> str:
    """The hash of the selected weights; estimators have none that two fits share."""
    return record.checkpoint.weights if record.checkpoint and record.checkpoint.file.endswith(".ckpt") else ""


def values(record: Record) -> list[str]:
    """Every number of a run to its last bit."""
    return [f"{s.split} {name} {m.value!r}" for s in record.scores for name, m in sorted(s.metrics.items())]


def told_badly(done: Ended) -> list[str]:
    """A traceback is for bugs; a kill is none. What tests make an error, people are not shown."""
    told = "Traceback" in done.err and "ResourceWarning: unclosed" not in done.err
    return [f"a traceback: {done.err}"] if told else []


def interrupted(folder: Path, name: str) -> bool:
    """Whether a leftover lies in the folder of a run that was killed, where it is evidence and harms nobody."""
    record = surviving.kept(folder).get(Path(name).parts[1]) if name.startswith("runs/") else None
    return record is not None and record.status != "completed"
