"""A step that takes far longer than it did in recorded runs is told, and compared only with its like."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from records import made, stored

from receipts.runs import pace
from receipts.runs.record import Cost, Process

COST = Cost(10.0, 10.0, 1.0, None, None)  # seconds, of 100 steps


@pytest.mark.parametrize(
    ("step_s", "changes", "told"),
    [
        (0.3, {}, True),
        (0.15, {}, False),
        (None, {}, False),
        (0.3, {"process": Process("other", 1, 0.0)}, False),
        (0.3, {"method": "other"}, False),
        (0.3, {"status": "failed"}, False),
        (0.3, {"cost": None}, False),
        (0.3, {"conf": "other"}, False),
    ],
)
def test_a_step_is_held_against_recorded_ones_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_s: float | None, changes: dict[str, Any], told: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    now = made(3, method="m")
    for number in (0, 1):
        then = made(number, method="m", cost=COST, steps=100)
        then = msgspec.structs.replace(then, **changes)
        stored(msgspec.structs.replace(then, run_id=then.run_id.replace("net", then.conf)))
    stored(now)
    (tmp_path / "runs/20261120-133709-net-s9-9f3c1a7e").mkdir()
    said = pace.slower(now, step_s)
    assert said == ("a step takes 0.3 s, 3.0 times what it took in 2 recorded runs (0.1 s)" if told else "")
