"""The table of measured figures is the newest lines of the history, and says what was not reached."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import ROOT


@pytest.fixture(scope="module")
def figures() -> Any:
    spec = importlib.util.spec_from_file_location("figures", ROOT / "benchmarks" / "figures.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["figures"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["figures"]


def line(figure: str, day: int, **values: Any) -> dict[str, Any]:
    return {"figure": figure, "at": f"2026-11-{day:02d}T10:00:00Z", "machine": "a machine, 2 cores", **values}


def test_each_figure_is_its_newest_line_on_the_right_side_of_its_goal_or_not(figures: Any) -> None:
    found = figures.rows(
        [
            line("F1", 1, ratio=0.9, ratios=[0.8, 0.9, 1.0]),
            line("F1", 2, ratio=1.4, ratios=[1.3, 1.5, 1.4]),
            line("F2", 2, against="dataloader", ratio=1.1, ratios=[1.0, 1.2]),
            line("F2", 2, against="sliced", ratio=0.9, ratios=[0.7, 1.0]),
            line("F4", 2, ratio=1.6, ratios=[1.6]),
            line("F5 help", 2, more=0.4, mores=[0.39, 0.41]),
            line("imports of train.py", 2, total=1),
        ]
    )
    assert [(row.figure, row.value, row.spread, row.goal, row.reached, row.at[-2:]) for row in found] == [
        ("F1", "1.4 ×", "1.3 to 1.5", "≥ 1 ×", "yes", "02"),
        ("F2", "1.1 ×", "1 to 1.2", "≥ 1.2 ×", "no", "02"),
        ("F2", "0.9 ×", "0.7 to 1", "≥ 0.8 ×", "yes", "02"),
        ("F4", "1.6 ×", "1.6 to 1.6", "≤ 1.5 ×", "no", "02"),
        ("F5", "0.4 s", "0.39 to 0.41", "≤ 0.5 s", "yes", "02"),
    ]


def test_sizes_are_rows_of_their_own_in_order_and_only_names_figures(figures: Any) -> None:
    lines = [
        line("F8", 1, size=size, first=1.5, second=25.0, against_reading=40.0) for size in ("0.5g", "10000", "1000")
    ]
    lines += [line("F7", 1, runs=runs, times_faster=12.0) for runs in (10_000, 300)]
    lines += [line("F7", 1, exponent=1.3), line("F12", 1, ratio=0.7)]
    lines += [line("F6", 1, cells=cells, ratio=3.5, ratios=[3.5]) for cells in (25, 4, 12)]
    lines += [line("F6", 1, exponent=0.8)]
    told = [row.what for row in figures.rows(lines, ["F7", "F8"])]
    assert told == [
        "report over 300 runs, against `mlflow.search_runs`",
        "report over 10,000 runs, against `mlflow.search_runs`",
        "report: time grows with runs to the power of",
        *(f"first look at data, {size}, against DVC" for size in ("1000", "10000", "0.5g")),
        *(f"second look at data, {size}, against DVC's second" for size in ("1000", "10000", "0.5g")),
        *(f"second look at data, {size}, against DVC's first" for size in ("1000", "10000", "0.5g")),
    ]
    assert [row.reached for row in figures.rows(lines, ["F7"])] == ["", "yes", "no"]  # the goal is one of 10,000 runs
    of_plans = [(row.what, row.value) for row in figures.rows(lines, ["F6"])]
    assert [value for _, value in of_plans] == ["3.5 ×", "3.5 ×", "3.5 ×", "0.8"]
    assert [what.split()[2] for what, _ in of_plans[:3]] == ["4", "12", "25"]
    (alone,) = figures.rows(lines, ["F12"])
    assert (alone.value, alone.goal, alone.reached) == ("0.7 ×", "", "")


def test_the_table_stands_between_its_markers_with_machine_and_day(figures: Any, tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    assert figures.read(path) == []
    path.write_text("".join(json.dumps(line("F1", day, ratio=1.25, ratios=[1.2, 1.3])) + "\n" for day in (3, 4)))
    table = figures.markdown(figures.rows(figures.read(path)))
    assert (
        "| F1 | training a small CNN, against a plain loop with DataLoader | 1.25 × | 1.2 to 1.3 | ≥ 1 × | yes |"
        in table
    )
    assert table.endswith("Measured on a machine, 2 cores: 2026-11-04.")
    text = f"before\n{figures.BEGIN}\nan old table\n{figures.END}\nafter\n"
    assert figures.placed(text, table) == f"before\n{figures.BEGIN}\n{table}\n{figures.END}\nafter\n"
    with pytest.raises(ValueError, match="markers"):
        figures.placed("no markers", table)


def test_the_readme_has_a_place_for_the_table_and_every_benchmark_a_row(figures: Any) -> None:
    assert figures.BEGIN in figures.placed((ROOT / "README.md").read_text(encoding="utf-8"), "a table")
    named = {figure.of.split()[0] for figure in figures.FIGURES}
    assert named == {f"F{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12)}
