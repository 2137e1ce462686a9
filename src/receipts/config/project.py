"""The project: the folder that holds `conf/` and the entry scripts, and what its pyproject.toml says of it.

Entered once, before anything else; from then on every path in the code is relative to it.
"""

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from receipts.refusal import Refusal

CONF = Path("conf")
LAB = Path("src/lab")
LOCK = Path("requirements.lock")
RUNS = Path("runs")
SPLITS = Path("splits")
RESULTS = Path("results")

ALLOWED = ("lab", "sklearn", "torch.nn", "torch.optim", "torchmetrics", "lightning.pytorch.callbacks")


@dataclass(frozen=True)
class Settings:
    """`[tool.receipts]` of pyproject.toml: default experiment and data, further prefixes a target may have."""

    conf: str = "???"
    data: str = "???"
    targets: tuple[str, ...] = ALLOWED


def enter(start: Path) -> None:
    """Make the project that holds `start` the working folder."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / CONF).is_dir() and (folder / "train.py").is_file():
            os.chdir(folder)
            return
    raise Refusal(
        f"{start.resolve()} is not inside a project",
        "neither it nor a folder above it holds conf/ and train.py",
        "change into the clone and try again",
    )


@cache
def settings() -> Settings:
    """What the project's pyproject.toml says under `[tool.receipts]`; the defaults where it is silent."""
    try:
        text = Path("pyproject.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    try:
        found = tomllib.loads(text).get("tool", {}).get("receipts", {})
    except tomllib.TOMLDecodeError as error:
        raise Refusal("pyproject.toml cannot be read", str(error), "mend the line it names") from error
    known = {"conf", "data", "targets"}
    if extra := set(found) - known:
        raise Refusal(f"pyproject.toml: [tool.receipts] has {sorted(extra)}", f"known are {sorted(known)}", "remove it")
    further = tuple(found.get("targets", ()))
    return Settings(found.get("conf", "???"), found.get("data", "???"), ALLOWED + further)
