"""Plans run through ablate.py in the small project."""

from pathlib import Path
from typing import Any

import msgspec
from launching import Ended, forking, launch

from receipts.runs.plans import Plan

SMOKE = ("preset=smoke", "seeds=2")


def ablate(project: Path, *words: str, **options: Any) -> Ended:
    return launch(project, "ablate.py", *words, before=forking, **options)


def plan_of(project: Path) -> Plan:
    """The only plan of a project."""
    (path,) = project.glob("runs/plans/*/plan.json")
    return msgspec.json.decode(path.read_bytes(), type=Plan)
