"""Trainings that take turns, an epoch each, so that whatever else a machine does falls on all of them alike.

python turns.py train.py WORDS …      (a process of `epochs`: train.py itself, held up before every epoch)
"""

import json
import os
import resource
import runpy
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from measure import ROOT

SETTLE_S = 6.0  # MLflow is imported beside the first epoch


class Turn:
    """One process's side: waits for its turn, then says what it took in (wall, processor) seconds."""

    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "w")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        self.began: tuple[float, float] | None = None

    def wait(self) -> None:
        """Say that nothing is left to do but the next epoch, and begin it when told."""
        self.say()
        if not sys.stdin.readline():
            raise SystemExit
        self.began = now()

    def say(self) -> None:
        """What has passed since the last turn began; nothing before the first."""
        then, self.began = self.began, None
        spent = None if then is None else [after - before for before, after in zip(then, now(), strict=True)]
        print(json.dumps(spent), file=self.out, flush=True)


def now() -> tuple[float, float]:
    """Wall and processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def epochs(commands: dict[str, tuple[Path, list[str]]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """(wall, processor) seconds of `rounds` epochs of each command in its folder, in turn; one more warms up."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with ExitStack() as stack:
        started = {}
        for name, (place, words) in commands.items():
            paths, pipe = os.pathsep.join([str(place / "src"), str(ROOT / "benchmarks")]), subprocess.PIPE
            environment = {**os.environ, "PYTHONPATH": paths}
            started[name] = subprocess.Popen(
                [sys.executable, *words], cwd=place, env=environment, stdin=pipe, stdout=pipe, text=True
            )
            stack.callback(started[name].kill)
            assert started[name].stdout.readline(), f"{name} ended before its first epoch"
        for number in range(rounds + 1):
            order = list(started.items())
            for name, process in order if number % 2 else reversed(order):
                process.stdin.write("go\n")
                process.stdin.flush()
                wall, cpu = json.loads(process.stdout.readline() or "null")
                found[name].append((wall, cpu))
            if number == 0:
                time.sleep(SETTLE_S)
        for name, process in started.items():
            assert process.wait() == 0, f"{name} ended with {process.returncode}"
    return {name: values[1:] for name, values in found.items()}


def ratios(ours: list[tuple[float, float]], theirs: list[tuple[float, float]], column: int = 0) -> list[float]:
    """Theirs by ours of every pair of epochs, in order of size: above one, ours are faster."""
    return sorted(round(b[column] / a[column], 3) for a, b in zip(ours, theirs, strict=True))


def held_up(words: list[str]) -> None:
    """Run a script that trains, with a callback beside its own that waits before every epoch."""
    from lightning.pytorch import Callback

    from receipts.training import modules

    turn, own = Turn(), modules.own_callbacks

    class Waits(Callback):
        def on_train_epoch_start(self, *_: object) -> None:
            turn.wait()

        def on_fit_end(self, *_: object) -> None:
            turn.say()

    modules.own_callbacks = lambda config: [*own(config), Waits()]
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    held_up(sys.argv[1:])
