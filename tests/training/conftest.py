"""One project in which all trainings of a test file lie side by side: each has an identity of its own."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from folders import commit, table
from launching import Ended, launch

ODD = (
    "purpose: Is it so?\nseed: 0\nmodel: {{_target_: lab.odd.{0}, lr: 0.1, plateau: false}}\n"
    "fit: {{epochs: 2, batch_size: 64}}\n"
    "waive: {{beats-the-floor: trained for a moment, clipped-to-nothing: so that steps can be measured}}\n"
)
DATA = {
    "halves": "data: {_target_: lab.odd.HalfDigits, path: data/digits.csv.gz}\n"
    "task: {kind: classification, classes: 10, primary: accuracy}\n",
    "maps": "data: {_target_: lab.odd.Maps, path: data/digits.csv.gz}\ntask: {kind: regression, primary: rmse}\n",
}
SPLIT = "split: {rule: contiguous, shares: {train: 0.6, val: 0.2, test: 0.2}}\n"


@dataclass(frozen=True)
class Trained:
    """What one launch of train.py left behind."""

    ended: Ended
    folder: Path

    @property
    def record(self) -> dict[str, Any]:
        return json.loads((self.folder / "record.json").read_text())

    @property
    def history(self) -> list[dict[str, str]]:
        return table(self.folder / "history.csv")

    @property
    def last(self) -> dict[str, Any]:
        """What the callback lab.odd.Last left."""
        return torch.load(self.folder / "last.pt", weights_only=True)

    def value(self, metric: str, split: str = "val") -> float:
        """A recorded number."""
        return next(s for s in self.record["scores"] if s["split"] == split)["metrics"][metric]["value"]

    def check(self, code: str) -> str:
        """The verdict of a check."""
        return next(check for check in self.record["checks"] if check["code"] == code)["verdict"]


Train = Callable[..., Trained]


@pytest.fixture(scope="session")
def bench(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project with odd experiments and datasets added."""
    folder = tmp_path_factory.mktemp("bench") / "project"
    shutil.copytree(template, folder)
    for name in ("Plain", "Greedy", "Talkative", "Unpinnable", "Usurper"):
        (folder / f"conf/{name.lower()}.yaml").write_text(ODD.format(name))
    for name, model, data in (("halves", "Halves", "halves"), ("blur", "Blur", "maps")):
        text = f"defaults: [override /data: {data}]\n" + ODD.format(model).replace(", plateau: false", "")
        (folder / f"conf/{name}.yaml").write_text(text)
    for name, text in DATA.items():
        (folder / f"conf/data/{name}.yaml").write_text(text + SPLIT)
        assert (done := launch(folder, "receipts", "split", name)).code == 0, done.err
    commit(folder, "odd ones")
    return folder


@pytest.fixture(scope="session")
def train(bench: Path) -> Train:
    """Run train.py in the bench; a launch that should end otherwise says so: `train("conf=net", code=3)`."""

    def start(*words: str, code: int = 0, **options: Any) -> Trained:
        before = set((bench / "runs").glob("*/record.json"))
        done = launch(bench, "train.py", *words, **options)
        assert done.code == code, done.out + done.err
        new = set((bench / "runs").glob("*/record.json")) - before
        return Trained(done, max(new, default=bench / "none").parent)

    return start
