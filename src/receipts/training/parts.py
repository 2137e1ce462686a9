"""A split predicted by several processes: each takes whole batches, so that the outputs are those of one, to the bit.

The first process is `eval.py` itself. The others (`python -m receipts.training.parts RUN_ID SPLIT RANK WORLD FOLDER`)
say `ready` when nothing is left to load, predict when told to, leave their part in FOLDER and say `done`.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from receipts.config import project
from receipts.config.compose import Experiment
from receipts.config.entry import attempt
from receipts.config.place import Place
from receipts.config.project import RUNS
from receipts.data import loaders, manifest
from receipts.data.opening import open_splits
from receipts.data.sealed import Subset
from receipts.data.shares import Share
from receipts.refusal import DONE, Refusal
from receipts.runs import record as records
from receipts.runs import repeat
from receipts.runs.store import Run
from receipts.training.deaths import RankDied, last_line
from receipts.training.method import Method, Outputs, build_method
from receipts.training.modules import ModuleMethod
from receipts.training.ranks import beside
from receipts.training.validation import once

READY, GO = b"ready\n", b"go\n"
GONE_S = 10.0  # from the end of its output to the end of a process
LOG = "eval.rank{}.log"


def shared(method: Method, run: Run, split: str, processes: int) -> "Method | Parts":
    """Whoever predicts a split: the method itself, or several processes with the same weights."""
    if processes < 1:
        raise Refusal(f"processes is {processes}", "somebody has to predict", "processes=1")
    if processes == 1:
        return method
    experiment = repeat.frozen(run.record)
    refuse_unshareable(method, experiment)
    return Parts(method, run, split, Share(0, processes), loaders.own_size(experiment.config))


def refuse_unshareable(method: Method, experiment: Experiment) -> None:
    """Methods and data that make a prediction in one piece, or another one in every process."""
    config = experiment.config
    why = "an estimator predicts in one call" if not isinstance(method, ModuleMethod) else ""
    why = why or ("the batches of a DataModule are its own" if config.split.rule == "datamodule" else "")
    why = why or ("predictions that draw would draw anew" if config.facts.random_predictions else "")
    if why:
        raise Refusal("processes=N cannot share this prediction", why, "leave processes out: one process predicts")


class Parts:
    """Several processes that hold the same weights; the first predicts its part in this one."""

    def __init__(self, method: Method, run: Run, split: str, share: Share, size: int) -> None:
        self.method, self.run, self.share, self.size = method, run, share, size
        self.folder = TemporaryDirectory(prefix="parts-")
        self.processes = {rank: self.start(split, rank) for rank in range(1, share.world)}
        for rank in self.processes:
            self.hear(rank)

    def start(self, split: str, rank: int) -> "subprocess.Popen[bytes]":
        """One of the others."""
        words = [self.run.record.run_id, split, str(rank), str(self.share.world), self.folder.name]
        with (self.run.folder / LOG.format(rank)).open("ab") as log:
            return beside("receipts.training.parts", words, log, subprocess.PIPE)

    def hear(self, rank: int) -> None:
        """Wait for a word of one process; without it, none is left running."""
        out = self.processes[rank].stdout
        assert out is not None
        if not out.readline():
            with suppress(subprocess.TimeoutExpired):
                self.processes[rank].wait(GONE_S)
            self.end()
            how = f"process {rank} of {self.share.world} ended with exit code {self.processes[rank].returncode}"
            raise RankDied(f"{how} ({last_line(self.run.folder / LOG.format(rank))})")

    def predict(self, subset: Subset) -> Outputs:
        """Outputs for every row of the split, in its order."""
        try:
            for process in self.processes.values():
                assert process.stdin is not None
                with suppress(BrokenPipeError):  # it has died since it was ready: told where its part is waited for
                    process.stdin.write(GO)
                    process.stdin.flush()
            parts = [part(self.method, subset, self.share, self.size)]
            for rank in self.processes:
                self.hear(rank)
                parts.append(read(Path(self.folder.name) / f"{rank}.npz"))
        finally:
            self.end()
        return once(parts, subset.ids, self.size)

    def end(self) -> None:
        """Leave nobody behind."""
        for process in self.processes.values():
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(BrokenPipeError):  # the word that a dead one could not be told
                        stream.close()
        self.folder.cleanup()


def part(method: Method, subset: Subset, share: Share, size: int) -> tuple[list[str], Outputs]:
    """One process's batches of a split, of `size` rows each: ids, and what the method says of them."""
    mine = share.of_split(subset, size)
    return mine.ids, method.predict(mine)


def write(path: Path, ids: list[str], outputs: Outputs) -> None:
    """Leave a part behind: an array of ids, and one or several of outputs."""
    named = {f"of {name}": array for name, array in outputs.items()} if isinstance(outputs, dict) else {"all": outputs}
    np.savez(path, ids=np.array(ids), **named)  # type: ignore[arg-type]


def read(path: Path) -> tuple[list[str], Outputs]:
    """A part that another process left."""
    with np.load(path, allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    ids = [str(sample) for sample in arrays.pop("ids")]
    return ids, arrays["all"] if "all" in arrays else {name.removeprefix("of "): arrays[name] for name in arrays}


def main(words: Sequence[str]) -> int:
    """Be one of the others."""
    said = os.dup(1)
    os.dup2(2, 1)  # whatever prints goes to the log
    told = threading.Event()
    threading.Thread(target=listen, args=(told,), daemon=True).start()
    run_id, split, folder = words[0], words[1], Path(words[4])
    project.enter(Path.cwd())
    return attempt(take_part, run_id, split, Share(int(words[2]), int(words[3])), folder, told, said)


def listen(told: threading.Event) -> None:
    """Hear the word to begin, and end when the first process closes its end, however it came to that."""
    while os.read(0, len(GO)):
        told.set()
    os._exit(1)


def take_part(run_id: str, split: str, share: Share, folder: Path, told: threading.Event, said: int) -> int:
    """Load everything, wait for the word, predict."""
    record = records.read(RUNS / run_id)
    experiment = repeat.frozen(record)
    _, division = manifest.load(experiment.data, split)
    method = build_method(experiment.config)
    assert isinstance(method, ModuleMethod)
    run = Run(RUNS / run_id, record)
    method.stand(Place(share.rank, share.world, share.rank))
    method.load(run.folder, run.checkpoint)
    (subset,) = open_splits(experiment, division, (split,), [])
    os.write(said, READY)
    told.wait()
    write(folder / f"{share.rank}.npz", *part(method, subset, share, loaders.own_size(experiment.config)))
    os.write(said, b"done\n")
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
