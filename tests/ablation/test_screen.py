"""What a search is told of a plan, and what a screen shows of its cells."""

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ablating import plan_of
from launching import launch
from rich.console import Console

from receipts.ablation.forecast import Likely, Work
from receipts.ablation.planning import Planned
from receipts.ablation.watching import Screen
from receipts.config import project as place
from receipts.config.compose import compose
from receipts.runs import objective
from receipts.runs.process import this_process


def test_a_search_is_told_the_primary_metric_on_val(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied)
    place.settings.cache_clear()
    words = plan_of(copied).cells[1].words
    (scored,) = (score for score in read(plan_of(copied).cells[1].run_id)["scores"] if score["split"] == "val")
    assert objective.of(compose(*words)) == scored["metrics"]["accuracy"]["value"]
    assert math.isnan(objective.of(compose("conf=net", "model.lr=0.5")))
    done = launch(copied, "train.py", "-m", "conf=net", "preset=smoke", "model.dropout=0,0.2")
    assert done.code == 0, done.err
    place.settings.cache_clear()


def read(run_id: str | None) -> dict[str, Any]:
    """The record of a run of the working folder."""
    return json.loads((Path("runs") / str(run_id) / "record.json").read_text())


def test_a_screen_shows_what_runs_first_and_no_more_than_it_has_room_for(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied)
    plan = plan_of(copied)
    plan.cells *= 10
    plan.cells[1:] = [msgspec.structs.replace(cell, identity="0" * 64) for cell in plan.cells[1:]]
    running = json.loads((Path("runs") / str(plan.cells[0].run_id) / "record.json").read_text())
    running |= {"status": "running", "process": msgspec.to_builtins(this_process())}
    (Path("runs") / str(plan.cells[0].run_id) / "record.json").write_text(json.dumps(running))
    work = Work(list(range(40)), [], {}, {number: Likely(10.0, None) for number in range(40)})
    screen = Screen(Planned(plan, []), work, 2)
    screen.console = Console(file=io.StringIO(), force_terminal=True, width=100, height=16)
    with screen.shown():
        screen.look({})
        screen.console.print(screen.table({}))
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.console.file.getvalue())  # type: ignore[attr-defined]
    assert "epoch 1/1 step 4/4" in shown
    assert "0 of 40 cells have ended, ETA about 3 min" in shown
    assert 5 < shown.count("waiting") < 40
