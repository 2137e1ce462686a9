"""What a DVC stage leaves: the same numbers are the same bytes, whenever and by whichever run they were made."""

import json
from pathlib import Path

import pytest
from invented import full, score

from receipts.runs import results
from receipts.runs.record import Record

HISTORY = (
    "epoch,step,loss,elapsed_s,val/accuracy,val/nll,module/own\n"
    "1,17,2.0,{0},0.5,1.25,\n1,34,1.0,{0},0.75,0.5,3\n2,51,0.5,{0},,,\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def finished(second: int, elapsed: float | None = 1.0) -> Record:
    """A completed run; without `elapsed` one of a method that has no epochs."""
    record = full(second=second, primary="accuracy", started=f"2026-11-20T13:37:{second:02d}Z")
    folder = Path("runs") / record.run_id
    folder.mkdir(parents=True)
    if elapsed is not None:
        (folder / "history.csv").write_text(HISTORY.format(elapsed))
    return record


def published() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("results").iterdir()}


def publish(*records: Record) -> None:
    results.publish("net", {"net": records})


def test_two_runs_of_the_same_numbers_publish_the_same_bytes() -> None:
    publish(finished(1, 1.0))
    first = published()
    publish(finished(2, 9.0))
    assert published() == first
    assert (Path("runs/stages/net")).read_text() == "20261120-133702-net-s0-aaaaaaaa\n"


def test_the_numbers_of_every_split_and_the_identity_are_published_and_nothing_else() -> None:
    record = finished(1)
    record.scores.append(score("val", 0.95))
    publish(record)
    found = json.loads(published()["net.json"])
    assert len(found.pop("identity")) == 64
    assert found == {
        "seeds": [0],
        "test": {"accuracy": 0.8, "nll": 0.25, "auroc": None},
        "val": {"accuracy": 0.95, "nll": 0.25, "auroc": None},
    }


def test_seeds_are_averaged_and_ablations_stand_beside() -> None:
    one, two, arm = finished(1), finished(2), finished(3)
    two.seed = 1
    two.scores = [score("val", 0.7), score("test", 0.4, 360)]
    results.publish("net", {"net": [one, two], "dropout": [arm]})
    found = json.loads(published()["net.json"])
    assert found["seeds"] == [0, 1]
    assert found["val"] == {"accuracy": pytest.approx(0.8), "nll": 0.25, "auroc": None}
    assert found["test"]["accuracy"] == pytest.approx(0.6)
    assert found["ablations"]["dropout"]["val"]["accuracy"] == 0.9
    assert Path("runs/stages/net").read_text().split() == [one.run_id, two.run_id, arm.run_id]


def test_a_metric_that_one_seed_lacks_has_no_mean() -> None:
    one, two = finished(1), finished(2)
    del two.scores[0].metrics["nll"]
    publish(one, two)
    assert json.loads(published()["net.json"])["val"]["nll"] is None


def test_the_curve_is_what_validation_saw() -> None:
    publish(finished(1))
    assert published()["net.csv"].decode() == "epoch,accuracy,nll\n1,0.5,1.25\n1,0.75,0.5\n2,,\n"


def test_a_method_without_epochs_has_a_curve_of_one_point() -> None:
    publish(finished(1, elapsed=None))
    assert published()["net.csv"].decode() == "epoch,accuracy\n0,0.9\n"
