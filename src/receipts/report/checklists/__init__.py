"""Checklists that fill themselves as far as records can: NeurIPS' paper checklist, and ML Code Completeness.

An item is `auto` (answered, with the files that show it), `draft` (evidence is gathered, a person confirms) or `human`
(never guessed). What a person answers stands in `notes/checklists.yaml`, and survives the next report. An item that
says Yes needs evidence that exists, whoever answered it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from receipts.config.files import read_yaml
from receipts.refusal import CheckFailed, Refusal
from receipts.report.checklists.completeness import completeness
from receipts.report.checklists.item import ANSWERS, Checklist, Item, exists
from receipts.report.checklists.neurips import neurips
from receipts.report.model import Report

NOTES = Path("notes/checklists.yaml")


def write(report: Report, folder: Path) -> None:
    """`checklists/{neurips,completeness}.{md,json}`; after most of what a report writes, for it looks at that."""
    place = folder / "checklists"
    place.mkdir(exist_ok=True)
    for one in answered(report, folder):
        refuse_unproved(one.name, one.items, folder)
        facts = {"checklist": one.title, "items": [asdict(item) for item in one.items]}
        text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
        (place / f"{one.name}.json").write_text(text, encoding="utf-8")
        (place / f"{one.name}.md").write_text(markdown(one.title, one.name, one.items), encoding="utf-8")


def answered(report: Report, folder: Path) -> list[Checklist]:
    """Both checklists, by the files that are in the folder."""
    found = (
        ("neurips", "NeurIPS paper checklist", neurips(report, folder)),
        ("completeness", "ML Code Completeness checklist", completeness(report, folder)),
    )
    return [Checklist(name, title, [confirmed(item, notes(name)) for item in items]) for name, title, items in found]


def notes(name: str) -> dict[str, dict[str, Any]]:
    """What people answered, by item; refused where it is not such a file."""
    if not NOTES.is_file():
        return {}
    try:
        found = read_yaml(NOTES) or {}
        items = {str(key): dict(entry) for key, entry in (found.get(name) or {}).items()}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise Refusal(
            f"{NOTES} cannot be read", str(error), f"{name}: {{'1': {{answer: Yes, evidence: []}}}}"
        ) from error
    for key, entry in items.items():
        answer = entry.get("answer")
        entry["answer"] = answer if not isinstance(answer, bool) else "Yes" if answer else "No"  # YAML's own words
        listed = isinstance(entry.get("evidence", []), list)
        if set(entry) - {"answer", "text", "evidence"} or entry["answer"] not in ANSWERS or not listed:
            raise Refusal(
                f"{NOTES}: {name} {key} is not an answer",
                f"it has {entry}; known are answer ({', '.join(ANSWERS)}), text and evidence",
                "correct it",
            )
    return items


def confirmed(item: Item, answers: dict[str, dict[str, Any]]) -> Item:
    """An item with what a person said of it; what is answered from records stays as it is."""
    said_of = answers.get(item.key)
    if said_of is None or item.state == "auto":
        return item
    evidence = tuple(map(str, said_of.get("evidence", ()))) or item.evidence
    return replace(item, answer=said_of["answer"], text=str(said_of.get("text", item.text)), evidence=evidence)


def refuse_unproved(name: str, items: Sequence[Item], folder: Path) -> None:
    """Fail a checklist that says Yes without anything to show for it."""
    for item in items:
        missing = [path for path in item.evidence if not exists(path, folder)]
        if item.answer == "Yes" and (missing or not item.evidence):
            raise CheckFailed(
                "checklist",
                f"{name} {item.key}, {item.title}, says Yes without evidence",
                f"{', '.join(missing) or 'no file'} {'is missing' if missing else 'is named'}",
                f"name a file that shows it in {NOTES}, or answer No",
            )


def markdown(title: str, name: str, items: Sequence[Item]) -> str:
    """A checklist for reading."""
    lines = [f"# {title}", ""]
    for item in items:
        waiting = "a person confirms this" if item.state == "draft" else "a person answers this"
        lines.append(f"**{item.key}. {item.title}**: {item.answer or waiting} ({item.state})")
        lines += [f"  {item.text}"] if item.text else []
        lines += [f"  - `{path}`" for path in item.evidence] + [""]
    return "\n".join([*lines, f"Answers of people stand in `{NOTES}`, under `{name}:`.", ""])
