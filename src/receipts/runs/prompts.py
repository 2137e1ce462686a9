"""Prompts and responses: what stands under `prompts/` is kept with the run that used it."""

import shutil
from pathlib import Path

PROMPTS = Path("prompts")


def keep(folder: Path) -> None:
    """Copy `prompts/` as it stands into a run's folder; what is hidden stays out, what was there before stays."""
    if PROMPTS.is_dir():
        shutil.copytree(PROMPTS, folder / PROMPTS, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
