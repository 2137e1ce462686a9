"""One question of a checklist, and whether what it rests on is there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from receipts.report.model import Report, Row

State = Literal["auto", "draft", "human"]
WITHIN = "report/"  # begins the path of a file that this report writes
ANSWERS = ("Yes", "No", "NA")


@dataclass(frozen=True, slots=True)
class Item:
    """One question: who answers it, the answer (empty while nobody has), why, and the files that show it."""

    key: str
    title: str
    state: State
    answer: str = ""
    text: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checklist:
    """One checklist with its answers, as far as records and people have given them."""

    name: str
    title: str
    items: Sequence[Item]

    @property
    def standing(self) -> str:
        """How many items records answer, how many wait for a person's word, how many only a person answers."""
        auto = [item for item in self.items if item.state == "auto"]
        words = ", ".join(f"{count} {word}" for word in ANSWERS if (count := sum(i.answer == word for i in auto)))
        told = [f"{len(auto)} answered from records ({words})"]
        for state, what in (("draft", "drafted"), ("human", "for a person alone")):
            mine = [item for item in self.items if item.state == state]
            told += [f"{len(mine)} {what}, {sum(bool(i.answer) for i in mine)} of them answered"] if mine else []
        return "; ".join(told)

    @property
    def refuted(self) -> list[Item]:
        """What records answer with No."""
        return [item for item in self.items if item.state == "auto" and item.answer == "No"]


def proved(item: Item, folder: Path) -> Item:
    """An item whose Yes becomes No where a file that it rests on is not there."""
    missing = [path for path in item.evidence if not exists(path, folder)]
    if item.answer != "Yes" or (item.evidence and not missing):
        return replace(item, evidence=tuple(path for path in item.evidence if path not in missing))
    told = f"{item.text} Missing: {', '.join(missing) or 'any evidence'}."
    return replace(item, answer="No", text=told, evidence=tuple(p for p in item.evidence if p not in missing))


def exists(path: str, folder: Path) -> bool:
    """Whether a file of the project, or of the report that is being written, is there."""
    return (folder / path.removeprefix(WITHIN) if path.startswith(WITHIN) else Path(path)).exists()


def rows(report: Report) -> list[Row]:
    """All rows with a number."""
    return [row for table in report.tables for row in table.rows if row.runs]


def tables(report: Report) -> list[str]:
    """The tables in Markdown."""
    return [f"{WITHIN}tables/{table.name}.md" for table in report.tables]
