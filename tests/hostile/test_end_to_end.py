"""The scripts themselves, on a run that somebody altered: exit code 3, three lines, and nothing touched."""

import shutil
from collections.abc import Callable
from pathlib import Path

import folders
import pytest
from launching import Ended
from traps import pickled

from receipts.refusal import REFUSED

Start = Callable[..., Ended]


def refused(done: Ended, folder: Path, reason: str) -> None:
    assert done.code == REFUSED, done.err
    assert "Traceback" not in done.out + done.err
    assert reason in done.err
    assert "  fix    " in done.err
    assert not (folder / "canary").exists()


def test_a_run_that_was_altered_is_neither_evaluated_nor_made_again(project: Path, run: Start) -> None:
    assert run("train.py", "conf=linear").code == 0
    (folder,) = folders.runs(project)
    canary, kept = project / "canary", project / "kept"
    shutil.copytree(folder, kept)

    def again() -> None:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)

    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("sklearn.preprocessing.StandardScaler", "subprocess.Popen", 1))
    refused(run("eval.py", "run_id=latest"), project, "the config of today is not the config")
    again()
    (folder / "checkpoints/estimator.skops").write_bytes(pickled(canary))
    refused(run("eval.py", "run_id=latest"), project, "estimator.skops cannot be read")
    again()
    shutil.rmtree(folder / "predictions")
    (project / "outside").mkdir()
    (folder / "predictions").symlink_to(project / "outside")
    refused(run("eval.py", "run_id=latest"), project, "is not made of plain files")
    assert list((project / "outside").iterdir()) == []
    again()
    record = folder / "record.json"
    record.write_text(record.read_text().replace('"commit": "', '"commit": "--output=canary', 1))
    refused(run("eval.py", f"run_id={folder.name}"), project, "is not a readable record")
    refused(run("receipts", "rerun", folder.name), project, "is not a readable record")


@pytest.mark.parametrize("word", ["+=", "=1", "a" * 999 + "=1"])
def test_a_word_that_is_none_is_refused_before_hydra_stumbles_over_it(project: Path, run: Start, word: str) -> None:
    refused(run("train.py", word), project, "names no key")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hydra: {callbacks: {a: {_target_: os.system, command: touch canary}}}", "sets Hydra itself"),
        ("on_end: touch canary", "sets on_end"),
        ("model: {_target_: os.system, command: touch canary}", "outside the allow-list"),
    ],
)
def test_a_config_from_somebody_else_is_refused_by_the_script(
    project: Path, run: Start, line: str, reason: str
) -> None:
    base = "" if line.startswith("model") else "model: {_target_: sklearn.dummy.DummyClassifier}\n"
    folders.write(project, "conf/evil.yaml", f"purpose: p\nseed: 0\n{base}{line}\n")
    folders.commit(project, "evil")
    refused(run("train.py", "conf=evil"), project, reason)
    assert folders.runs(project) == []
