"""ML Code Completeness: its five items, all checked mechanically."""

from itertools import islice
from pathlib import Path

from receipts.report.checklists.item import WITHIN, Item, proved, rows, tables
from receipts.report.model import Report

SHOWN = 20  # files of weights, the first


def completeness(report: Report, folder: Path) -> list[Item]:
    """The five items of ML Code Completeness, all checked mechanically."""
    readme = Path("README.md").read_text(encoding="utf-8") if Path("README.md").is_file() else ""
    fitted = ((run.run_id, run.checkpoint.file) for row in rows(report) for run in row.runs if run.checkpoint)
    weights = [(report.folder / run_id / file).as_posix() for run_id, file in islice(fitted, SHOWN)]
    found = [
        Item("1", "Dependencies", "auto", "Yes", "Exact pins; `make env` installs them.", ("requirements.lock",)),
        said("2", "Training code", "python train.py", readme, ("train.py", "README.md")),
        said("3", "Evaluation code", "python eval.py", readme, ("eval.py", "README.md")),
        Item("4", "Trained models", "auto", "Yes", "The selected weights of each run.", tuple(weights)),
        said("5", "Results with their command", "python report.py", readme, (*tables(report), f"{WITHIN}numbers.json")),
    ]
    return [proved(item, folder) for item in found]


def said(key: str, title: str, command: str, readme: str, evidence: tuple[str, ...]) -> Item:
    """An item that also wants its command in the README."""
    if command not in readme:
        return Item(key, title, "auto", "No", f"README.md does not say `{command}`.")
    return Item(key, title, "auto", "Yes", f"`{command}`", evidence)
