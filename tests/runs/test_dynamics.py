"""How training went, from rows whose answer is known beforehand."""

import math
from pathlib import Path

import pytest

from receipts.runs import dynamics
from receipts.runs.dynamics import Dynamics, Row


def history(losses: list[float | None], scores: list[float | None]) -> list[Row]:
    """Ten steps a row."""
    return [
        {"step": 10.0 * (number + 1), "loss": loss, "val/accuracy": score}
        for number, (loss, score) in enumerate(zip(losses, scores, strict=True))
    ]


LEARNT = history([2.0, 1.0, 0.5], [0.5, 0.8, 0.9])
SLOW = history([2.0, 1.9, 1.8], [0.1, 0.5, 0.7])
EXPLODED = history([2.0, 9.0, math.nan], [0.5, 0.1, 0.1])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (LEARNT, False),
        (EXPLODED, True),
        (history([1.0, math.inf], [0.5, 0.5]), True),
        (history([1.0, 0.9, 1.1], [0.5] * 3), True),  # it ends above where it began
        (history([1.0, None, 0.9], [0.5] * 3), False),
        ([], False),
    ],
)
def test_diverged(rows: list[Row], expected: bool) -> None:
    assert dynamics.is_diverged(rows) is expected


def test_steps_to_a_threshold_in_either_direction() -> None:
    assert dynamics.steps_to(LEARNT, "val/accuracy", 0.8, "higher") == 20
    assert dynamics.steps_to(LEARNT, "loss", 0.6, "lower") == 30
    assert dynamics.steps_to(LEARNT, "val/accuracy", 0.95, "higher") is None
    assert dynamics.steps_to(LEARNT, "val/auroc", 0.5, "higher") is None
    assert dynamics.steps_to(history([1, 1], [math.nan, 0.9]), "val/accuracy", 0.1, "higher") == 20


def test_several_seeds_of_one_setting() -> None:
    found = dynamics.summarise([LEARNT, SLOW, EXPLODED], "val/accuracy", 0.7, "higher")
    assert found == Dynamics(n=3, diverged=1, reached=2, steps=25, spread=pytest.approx(0.41633, abs=1e-5))
    assert found.share_diverged == pytest.approx(1 / 3)
    alone = dynamics.summarise([EXPLODED], "val/accuracy", 0.7, "higher")
    assert (alone.steps, alone.spread) == (None, None)


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,step,loss,val/accuracy\n1,17,nan,\n2,34,0.5,0.25\n")
    first, second = dynamics.read(path)
    assert math.isnan(first["loss"] or 0)
    assert (first["val/accuracy"], second["val/accuracy"], second["step"]) == (None, 0.25, 34)
    assert dynamics.read(tmp_path / "none.csv") == []
