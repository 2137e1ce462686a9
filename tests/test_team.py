"""Two people, one MLflow server on PostgreSQL, one DVC remote, one test set: docs/team.md, played through."""

import shutil
from pathlib import Path

import pytest
from folders import commit, git, runs
from launching import Ended, bound_by_permissions, dvc, launch
from serving import Server, lacking

from receipts.runs import pulling

ROOT = Path(__file__).resolve().parents[1]
TEAM = "digits-team"

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())


@pytest.fixture
def people(project: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Ada's project, whose data she pushed to the shared folder, and Bob's clone, into which he pulled them."""
    ada, bob = tmp_path / "ada", tmp_path / "bob"
    shutil.copytree(project, ada)
    shutil.copy(ROOT / "report.py", ada)
    dvc(ada, "init", "-q")
    dvc(ada, "add", "-q", "data")
    dvc(ada, "remote", "add", "-q", "-d", "team", str(tmp_path / "dvc-store"))
    commit(ada, "Data on the shared disk")
    dvc(ada, "push", "-q")
    git(tmp_path, "clone", "-q", str(ada), "bob")
    assert not (bob / "data").exists()
    dvc(bob, "pull", "-q")
    return ada, bob


def test_two_people_share_a_server_data_and_a_sealed_test_set(server: Server, people: tuple[Path, Path]) -> None:
    ada, bob = people
    there = {"MLFLOW_TRACKING_URI": server.address, "MLFLOW_EXPERIMENT_NAME": TEAM}

    def do(place: Path, script: str, *words: str, code: int = 0, **options: object) -> Ended:
        done = launch(place, script, *words, environment=there, **options)  # type: ignore[arg-type]
        assert done.code == code, done.out + done.err
        return done

    for place, words in ((ada, ()), (bob, ("seed=1",))):
        do(place, "train.py", "conf=net", *words)
        do(place, "eval.py", "run_id=latest")
        assert "sent 1," in do(place, "receipts", "sync").out
    do(bob, "train.py", "conf=linear")
    do(bob, "eval.py", "run_id=latest")  # an opening that the server has not heard of
    (hers,) = runs(ada)

    said = do(bob, "report.py", "source=mlflow").out
    assert "pulled 2 runs from MLflow" in said
    assert "2 of 2 are in a table; test was opened 3 times" in said
    assert "test was opened 3 times" in do(bob, "report.py").out, "without asking the server again, too"

    (pulled,) = (bob / pulling.PULLED).glob(f"*/{hers.name}")
    for name in ("record.json", "config.yaml", "predictions/test.parquet"):
        assert (pulled / name).read_bytes() == (hers / name).read_bytes()
    refused = do(bob, "eval.py", f"run_id={hers.name}", code=3, before=bound_by_permissions).err
    assert f"REFUSED  {hers.name} was recorded by somebody else" in refused
    assert "python train.py conf=net" in refused
    assert list(server.artifacts.rglob("predictions/test.parquet")), "artifacts lie in the folder, not in the database"
