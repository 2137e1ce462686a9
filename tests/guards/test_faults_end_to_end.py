"""A few faults as a researcher would write them, run as a researcher would run them; and the checks that stop them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from folders import commit, record, write
from launching import Ended

Start = Callable[..., Ended]


def changed(project: Path, name: str, *pairs: tuple[str, str]) -> None:
    """Exchange text in a file of the project, and commit it."""
    text = (project / name).read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    write(project, name, text)


INPUTS = "        self.inputs = table[:, :64] / 16\n"
TARGETS = "        self.targets = table[:, 64].astype(np.int64)\n"


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        (INPUTS, INPUTS + "        self.inputs[:50] = self.inputs[-50:]\n", "split-overlap"),
        (INPUTS, INPUTS + "        self.inputs[:50] = self.inputs[-50:] * np.float32(0.99)\n", "near-duplicates"),
        (
            INPUTS,
            INPUTS + "        self.inputs[:, 63] = table[:, 64] + 0.05 * self.inputs[:, 20]\n",
            "feature-leaks-the-label",
        ),
        (INPUTS, "        self.inputs = np.minimum(table[:, :64] * 16, 255)\n", "inputs-in-range"),
        (TARGETS, TARGETS + "        self.targets[:1078] = (self.targets[:1078] + 1) % 10\n", "labels-aligned"),
        (INPUTS, INPUTS + "        self.inputs = self.inputs - self.inputs.mean(0)\n", "fit-before-split"),
    ],
)
def test_data_that_lie_are_stopped_before_training(project: Path, run: Start, old: str, new: str, check: str) -> None:
    changed(project, "src/lab/data.py", (old, new))
    assert run("receipts", "split", "digits").code == 0
    commit(project)
    done = run("train.py", "conf=net")
    assert done.code == 4, done.out
    assert check in done.err
    assert "waive: {" in done.err
    found = record(project)
    assert found["status"] == "failed"
    assert any(check in each["code"] and each["cure"] for each in found["checks"])


def test_labels_moved_while_training_are_told_by_a_score_worse_than_guessing(project: Path, run: Start) -> None:
    changed(
        project,
        "src/lab/net.py",
        (
            "        x, y = batch\n        return functional.cross_entropy(self(x), y)",
            "        x, y = batch\n        return functional.cross_entropy(self(x), (y + 1) % 10)",
        ),
    )
    with (project / "conf/net.yaml").open("a") as file:
        file.write("waive: {cannot-learn-a-batch: a test, not-learning: a test}\n")
    commit(project)
    done = run("train.py", "conf=net", "fit.epochs=8")
    assert done.code == 4
    assert "CHECK FAILED  val-above-chance: worse than guessing" in done.out
    found = record(project)
    assert (found["status"], found["reportable"]) == ("completed", False)
    assert "check failed: val-above-chance" in found["blocked_by"]


def test_an_augmentation_that_renames_classes_is_stopped(project: Path, run: Start) -> None:
    write(
        project,
        "src/lab/turn.py",
        "class Turn:\n    def __call__(self, x, y, generator):\n        return x, (y + 1) % 10\n",
    )
    write(project, "conf/turned.yaml", "defaults: [net]\npurpose: Why?\naugment: [{_target_: lab.turn.Turn}]\n")
    commit(project)
    assert "the check augment-keeps-labels failed" in run("train.py", "conf=turned").err


def test_a_transform_that_draws_is_stopped(project: Path, run: Start) -> None:
    noise = "import numpy as np\n\n\nclass Noise:\n    def __call__(self, x):\n"
    noise += "        return x + np.random.normal(0, 1, x.shape)\n"
    write(project, "src/lab/noise.py", noise)
    write(project, "conf/noisy.yaml", "defaults: [net]\npurpose: Why?\ntransforms: [{_target_: lab.noise.Noise}]\n")
    commit(project)
    assert "the check val-steady failed" in run("train.py", "conf=noisy").err


def test_every_experiment_of_the_small_project_is_clean(project: Path, run: Start) -> None:
    for conf in ("net", "linear", "ridge", "regressor"):
        done = run("train.py", f"conf={conf}")
        assert (done.code, done.err) == (0, ""), done.out
        verdicts = {check["verdict"] for check in record(project)["checks"]}
        assert verdicts <= {"pass", "not applicable"}, record(project)["checks"]


def test_a_person_reviews_a_run_and_looks_at_the_data(project: Path, run: Start) -> None:
    assert run("train.py", "conf=net").code == 0
    first = run("receipts", "review", "latest")
    assert (first.code, first.err) == (0, "")
    assert "[ ] worst: digit-" in first.out
    assert "[ ] mean per class: the worst 18 predictions" in first.out
    signed = run("receipts", "review", "latest", "tick=worst", "by=Ada")
    assert "[x] worst: digit-" in signed.out
    assert (first.out.endswith("tick=worst\n"), signed.out.endswith("tick=median\n")) == (True, True)
    assert "(Ada, " in run("receipts", "review", "latest").out
    assert (
        "nothing called 'wurst'; did you mean worst" in run("receipts", "review", "latest", "tick=wurst", "by=Ada").err
    )
    (folder,) = project.glob("runs/*-net-*")
    assert {path.name for path in (folder / "review").iterdir()} == {
        "worst.txt", "median.txt", "random.txt", "failure.txt", "confident-mistake.txt"
    }  # fmt: skip
    assert "What the machine checked" in (folder / "review.html").read_text()
    assert "test" not in [opening["split"] for opening in record(project)["openings"]]
    looked = run("receipts", "look", "conf=lazy")
    assert (looked.code, looked.err) == (0, "")
    page = (project / "runs/look-lazy.html").read_text()
    assert "train, after StandardScaler" in page
    assert "train, augmented" in page
    assert "val, as stored" in page
