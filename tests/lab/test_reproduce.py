"""The pipeline in a fresh clone: DVC brings the bytes, a stage really runs, the committed numbers come out again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from launching import launch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the last commit with the data that data.dvc names, brought by DVC from inside the repository."""
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
    dvc(folder, "pull", "-q")
    return folder


def dvc(folder: Path, *words: str) -> str:
    """Run DVC as a person would, with the clone's own code on Python's path."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def numbers(folder: Path, conf: str) -> dict[str, dict[str, float]]:
    found = json.loads((folder / "results" / f"{conf}.json").read_text())
    return {split: found[split] for split in ("val", "test")}


def reproduced(clone: Path, conf: str, tolerance: float) -> None:
    committed = numbers(ROOT, conf)
    said = dvc(clone, "repro", "--no-run-cache", f"experiment@{conf}")
    assert f"Running stage 'experiment@{conf}'" in said, "a fresh clone trains, whatever dvc.lock says"
    for run in (clone / "runs" / "stages" / conf).read_text().split():
        assert json.loads((clone / "runs" / run / "record.json").read_text())["reportable"] is True
    for split, values in numbers(clone, conf).items():
        assert values == pytest.approx(committed[split], abs=tolerance)
    assert f"Stage 'experiment@{conf}' didn't change" in dvc(clone, "repro", "--no-run-cache", f"experiment@{conf}")


def test_a_fresh_clone_reproduces_the_committed_floor(clone: Path) -> None:
    reproduced(clone, "floor", 1e-12)


@pytest.mark.slow
def test_a_fresh_clone_reproduces_the_committed_linear_model(clone: Path) -> None:
    reproduced(clone, "logreg", 1e-6)


@pytest.mark.slow
def test_a_fresh_clone_reproduces_the_committed_network(clone: Path) -> None:
    reproduced(clone, "baseline", 0.02)  # kernels differ between processors; on one machine it is exact


def test_tampered_data_are_refused_even_after_dvc_has_adopted_them(clone: Path) -> None:
    data, pointer = clone / "data" / "digits.csv.gz", clone / "data.dvc"
    before, named = data.read_bytes(), pointer.read_text()
    data.chmod(0o644)
    try:
        data.write_bytes(before + b"\0")
        dvc(clone, "commit", "-f", "data.dvc")
        assert pointer.read_text() != named, "DVC writes the new checksum down without a word"
        done = launch(clone, "train.py", "conf=floor", "allow_dirty=true")
    finally:
        data.write_bytes(before)
        pointer.write_text(named)
    assert done.code == 3, done.out + done.err
    assert "is not the file the split was made from" in done.err
