"""What a plan will probably cost, from invented records whose times are known."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from records import made, stored

from receipts.ablation import forecast
from receipts.ablation.forecast import FORKED_S, Likely, Work
from receipts.config import project as place
from receipts.config.compose import Experiment, compose
from receipts.config.questions import Ablating
from receipts.provenance.identity import method_hash
from receipts.refusal import Refusal
from receipts.runs.record import Cost, Record, World


@pytest.fixture(autouse=True)
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(project)
    monkeypatch.setattr("receipts.ablation.planning.gpus", lambda: 0)
    place.settings.cache_clear()
    yield project
    place.settings.cache_clear()


def ran(number: int, seconds: float, **changes: object) -> Record:
    """A recorded run of so many seconds and two epochs, 34 steps."""
    facts = {"cost": Cost(seconds, seconds, 100.0, None, None), "epochs": 2, "steps": 34, "method": f"other-{number}"}
    record = made(number, **facts | changes)
    stored(record)
    return record


def seconds(experiment: Experiment, *known: Record) -> float | None:
    return forecast.resembling(experiment, known, 0).seconds


def test_the_same_method_tells_most_then_its_experiment_then_its_data() -> None:
    net = compose("conf=net", "seed=4")
    same = [ran(number, 10.0 + number, method=method_hash(net.values)) for number in range(3)]
    alike, elsewhere = ran(3, 20.0), ran(4, 30.0, conf="wider")
    assert seconds(net, *same, alike, elsewhere) == 11
    assert seconds(net, alike, elsewhere) == 20
    assert seconds(net, elsewhere) == 30
    assert seconds(net) is None
    assert seconds(net, ran(5, 9.0, conf="ridge", limit={"rows": 5})) is None


def test_a_run_of_another_length_is_scaled_where_it_trained() -> None:
    longer = compose("conf=net", "fit.epochs=20")
    assert seconds(longer, ran(0, 12.0)) == 120
    timed = ran(1, 12.0)
    Path("runs", timed.run_id, "history.csv").write_text("epoch,step,elapsed_s\n1,17,1.0\n2,34,2.0\n")
    assert seconds(longer, timed) == 12 + 9 * 2


def test_a_look_under_a_limit_tells_of_the_whole_step_by_step() -> None:
    look = ran(0, 5.0, limit={"rows": 200, "epochs": 1}, epochs=1, steps=4)
    assert seconds(compose("conf=net"), look) == 5.0 * 34 / 4
    assert forecast.planned_steps(compose("conf=net")) == 34
    assert forecast.planned_steps(compose("conf=net", "preset=smoke")) == 4
    assert forecast.planned_steps(compose("conf=net", "fit.train_fraction=0.5")) == 18
    assert forecast.planned_steps(compose("conf=linear")) is None


def test_another_kind_of_device_tells_nothing() -> None:
    gpu = World("NVIDIA H200", 1, 1, "32-true", 64, True)
    assert seconds(compose("conf=net"), ran(0, 1.0, world=gpu)) is None


def test_a_launch_is_part_of_the_cost() -> None:
    net = compose("conf=net")
    assert forecast.start_s(net, Ablating()) == FORKED_S
    assert forecast.start_s(net, Ablating(launcher="slurm")) > FORKED_S
    assert forecast.start_s(compose("conf=net", "trainer=ddp_cpu"), Ablating()) > FORKED_S


def test_cells_side_by_side_share_the_time() -> None:
    work = Work([0, 1, 2, 3], [], {}, {n: Likely(10.0 if n < 3 else None, 5) for n in range(4)})
    assert work.seconds([0, 1, 2, 3], 2) == 20
    assert work.seconds([0], 2) == 10
    assert work.seconds([3], 2) is None


def test_cells_that_the_disk_cannot_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work([0, 1], [], {}, {n: Likely(1.0, 10**20) for n in range(2)})
    with pytest.raises(Refusal, match="2 cells need about"):
        forecast.disk(work)
    assert "unknown" in forecast.disk(replace(work, likely={}))


def test_times_as_people_say_them() -> None:
    assert [forecast.about(n) for n in (0.2, 89, 600, 7200)] == [
        "about 1 s",
        "about 89 s",
        "about 10 min",
        "about 2.0 h",
    ]


def test_a_damaged_run_and_one_that_did_not_end_tell_nothing() -> None:
    ran(0, 1.0)
    ran(1, 1.0, status="failed")
    (stored(made(2)) / "record.json").write_text("{")
    assert [record.seed for record in forecast.past()] == [0]


def test_a_plan_that_would_take_longer_than_it_may_is_refused_before_it_begins() -> None:
    limited, free = compose("conf=net", "limits.hours=2"), compose("conf=net")
    with pytest.raises(Refusal, match=r"the plan is likely to take about 2\.5 h, and limits\.hours allows 2"):
        forecast.refuse_too_long(9000, [limited, limited])
    forecast.refuse_too_long(7200, [limited, limited])
    forecast.refuse_too_long(9000, [limited, free])
    forecast.refuse_too_long(None, [limited])
