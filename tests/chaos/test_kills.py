"""Killed at any moment: no run is lost, nothing half-written is believed, and the same command completes the work."""

from pathlib import Path

import pytest
from killing import MANY, matrix

FEW = {"train": 2, "eval": 1, "ablate": 1, "report": 1}


def play(project: Path, place: Path, kills: dict[str, int], seed: int) -> None:
    for killed in matrix(project, place, kills, seed):
        print(killed)
        assert killed.findings == [], killed


def test_a_few_kills(reporting: Path, tmp_path: Path) -> None:
    play(reporting, tmp_path, FEW, 0)


@pytest.mark.slow
@pytest.mark.parametrize("scene", MANY)
def test_many_kills(scene: str, reporting: Path, tmp_path: Path) -> None:
    play(reporting, tmp_path, {scene: MANY[scene]}, 100)
