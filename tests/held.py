"""A training that stands still in its second epoch while a file called `hold` exists: time for something to happen."""

import time
from collections.abc import Callable
from pathlib import Path

from folders import commit, runs, write

MODEL = """
import time
from pathlib import Path
from lab.net import Net

class Held(Net):
    def on_train_epoch_start(self):
        while self.current_epoch == 1 and Path("hold").exists():
            time.sleep(0.02)
"""
TRAIN = ("train.py", "conf=held")
EPOCHS = 3
EXPERIMENT = f"""
purpose: What happens meanwhile?
seed: 0
model: {{_target_: lab.held.Held, features: 64, outputs: 10, hidden: 8, dropout: 0.0, lr: 0.01}}
fit: {{epochs: {EPOCHS}, batch_size: 64}}
"""


def holding(folder: Path, further: str = "") -> Path:
    """The project with that experiment in it, held."""
    write(folder, "src/lab/held.py", MODEL)
    write(folder, "conf/held.yaml", EXPERIMENT + further)
    commit(folder)
    (folder / "hold").touch()
    return folder


def held(folder: Path, known: int = 0) -> Path:
    """Wait until a run stands still; its folder. So many runs were there before."""
    until(lambda: len(runs(folder)) > known and f"epoch 1/{EPOCHS}  " in log(folder))
    return runs(folder)[0]


def release(folder: Path) -> None:
    """Let it go on."""
    (folder / "hold").unlink()


def log(folder: Path) -> str:
    """The newest run's log."""
    path = runs(folder)[0] / "train.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
