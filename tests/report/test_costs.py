"""Costs: every run counts, also those that failed, and a plan's forecast is made of runs like its cells."""

from dataclasses import replace
from pathlib import Path

import pytest
from records import made

from receipts.report import costs
from receipts.report.model import Entry, Report
from receipts.runs.plans import Arm, Plan
from receipts.runs.plans import Cell as Planned
from receipts.runs.record import Cost, Failure, Record


def run(number: int, wall: float = 3600.0, **changes: object) -> Record:
    return made(number, **{"cost": Cost(wall, wall / 2, 100.0 + number, 1000, 0.5), **changes})


def failed(number: int) -> Record:
    """Fifteen minutes that came to nothing."""
    moments = {"started": "2026-11-20T13:00:00Z", "ended": "2026-11-20T13:15:00Z"}
    return made(number, status="failed", failure=Failure("loss is NaN", []), **moments)


def report(*records: Record, plans: tuple[Plan, ...] = ()) -> Report:
    return Report([], [Entry(one.run_id, one, one.status, (), "") for one in records], plans)


def test_failed_runs_cost_from_their_start_to_their_end() -> None:
    found = costs.cost("net", [run(0), failed(1)])
    assert (found.runs, found.failed, found.estimated) == (2, 1, 1)
    assert (found.hours, found.failed_s) == (1.25, 900)
    assert (found.peak_mib, found.parameters, found.ms_per_sample) == (100, 1000, 0.5)


def test_a_stale_run_costs_up_to_its_last_sign_of_life() -> None:
    stale = made(0, status="running", started="2026-11-20T13:00:00Z", heartbeat="2026-11-20T13:00:30Z", ended=None)
    assert costs.seconds(stale) == 30


def test_methods_stand_by_what_they_took_the_dearest_first() -> None:
    found = costs.by_method([run(0, 10, conf="a"), run(1, 30, conf="b"), run(2, 5, conf="a")])
    assert [(one.name, one.wall_s) for one in found] == [("b", 30), ("a", 15)]


def test_what_no_run_says_is_left_empty() -> None:
    found = costs.cost("net", [failed(0)])
    assert (found.peak_mib, found.parameters, found.ms_per_sample) == (None, None, None)


def test_a_price_needs_a_rate() -> None:
    assert costs.price(2, None) is None
    assert costs.price(2, 1.5) == 3
    text = costs.markdown(report(run(0), failed(1)), 4.0)
    assert "| all | 2 | 1 | 1.250 | 0.250 | 100 |  |  | 5.00 |" in text
    assert "1 run ended before the time was taken" in text
    assert "price" not in costs.markdown(report(run(0)))
    assert costs.priced(replace(report(run(0)), rate=4.0)) == ["cost  1.000 hours, 4.00 at 4 an hour"]
    assert costs.priced(report(run(0))) == []


def test_the_file_has_no_price_so_that_it_can_be_checked_without_a_rate(tmp_path: Path) -> None:
    costs.write(replace(report(run(0)), rate=4.0), tmp_path)
    assert (tmp_path / "costs.md").read_text() == costs.markdown(report(run(0)))


def cell(arm: str, seed: int, run_id: str | None = None) -> Planned:
    return Planned(arm=arm, seed=seed, config=f"cells/{arm}-{seed}.yaml", identity=f"{arm}{seed}", run_id=run_id)


def plan(*cells: Planned) -> Plan:
    arms = [Arm(name=name, conf=conf) for name, conf in (("reference", "net"), ("wide", "wide"))]
    facts = {"command": "python ablate.py", "created": "2026-11-20T13:00:00Z", "commit": "c0ffee"}
    return Plan(plan_id="p", conf="net", kind="ablations", arms=arms, seeds=[0, 1], cells=list(cells), **facts)


def test_a_plan_will_take_what_runs_like_its_cells_took() -> None:
    cells = [cell(arm, seed) for arm in ("reference", "wide") for seed in (0, 1)]
    cells[0].run_id = run(0).run_id
    records = [run(0, 100), run(5, 300, conf="wide"), run(6, 1, conf="wide", limit={"rows": 10})]
    assert costs.forecast(plan(*cells), records) == 100 + 300 + 300  # the first cell is done
    assert costs.forecast(plan(*cells), records[:1]) is None
    assert "0.194 hours more" in costs.markdown(report(*records, plans=(plan(*cells),)))
    assert "nothing forecasts it" in costs.markdown(report(records[0], plans=(plan(*cells),)))


def test_a_finished_plan_takes_nothing_more() -> None:
    assert costs.forecast(plan(cell("reference", 0, run(0).run_id)), [run(0)]) == 0
    assert costs.markdown(report(run(0))) == costs.markdown(report(run(0)))


@pytest.mark.parametrize("name", ["a|b"])
def test_a_name_cannot_end_a_cell(name: str) -> None:
    assert r"a\|b" in costs.markdown(report(run(0, conf=name)))
