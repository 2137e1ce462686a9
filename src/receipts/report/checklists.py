"""Checklists that fill themselves as far as records can: NeurIPS' paper checklist, and ML Code Completeness.

An item is `auto` (answered, with the files that show it), `draft` (evidence is gathered, a person confirms) or `human`
(never guessed). What a person answers stands in `notes/checklists.yaml`, and survives the next report. An item that
says Yes needs evidence that exists, whoever answered it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from receipts.refusal import CheckFailed, Refusal
from receipts.report.model import Report, Row

State = Literal["auto", "draft", "human"]
NOTES = Path("notes/checklists.yaml")
WITHIN = "report/"  # begins the path of a file that this report writes
ANSWERS = ("Yes", "No", "NA")
ENOUGH = 5  # runs of a method with randomness, below which nothing is called significant


@dataclass(frozen=True, slots=True)
class Item:
    """One question: who answers it, the answer (empty while nobody has), why, and the files that show it."""

    key: str
    title: str
    state: State
    answer: str = ""
    text: str = ""
    evidence: tuple[str, ...] = ()


HUMAN = {
    "3": "Theory assumptions and proofs",
    "9": "Code of ethics",
    "10": "Broader impacts",
    "11": "Safeguards",
    "14": "Crowdsourcing and research with human subjects",
    "15": "Institutional review board approvals",
}


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


def neurips(report: Report, folder: Path) -> list[Item]:
    """The sixteen items."""
    items = [reproducibility(report), openness(report), settings(report), significance(report), compute(report)]
    found = {item.key: proved(item, folder) for item in items}
    found |= {item.key: item for item in drafts(report, folder)}
    found |= {key: Item(key, title, "human") for key, title in HUMAN.items()}
    return [found[str(number)] for number in range(1, 17)]


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


def confs(report: Report) -> list[str]:
    """The files of the experiments in the tables."""
    return sorted({f"conf/{run.conf}.yaml" for row in rows(report) for run in row.runs})


def tables(report: Report) -> list[str]:
    """The tables in Markdown."""
    return [f"{WITHIN}tables/{table.name}.md" for table in report.tables]


def reproducibility(report: Report) -> Item:
    """Item 4: every number has a receipt, and everything that it names is committed."""
    manifests = sorted({run.data.manifest for row in rows(report) for run in row.runs})
    dirty = sorted({run.run_id for row in rows(report) for run in row.runs if run.code.dirty})
    text = "Each number has a receipt: runs, seeds, commit, data checksum, harness hash, and the command that makes it."
    evidence = (f"{WITHIN}numbers.json", *confs(report), *manifests, "train.py", "eval.py", "requirements.lock")
    if dirty:
        return Item("4", "Experimental result reproducibility", "auto", "No", f"Uncommitted code: {', '.join(dirty)}.")
    return Item("4", "Experimental result reproducibility", "auto", "Yes", text, evidence)


def openness(report: Report) -> Item:
    """Item 5: data and code with the exact commands."""
    terms = sorted({f"{run.data.source}: {run.data.licence}" for row in rows(report) for run in row.runs})
    text = f"README.md has the commands from a fresh clone to this report. Data: {'; '.join(terms)}."
    pointers = [path for path in ("data.dvc", "dvc.yaml") if Path(path).is_file()]
    return Item("5", "Open access to data and code", "auto", "Yes", text, ("README.md", "LICENSE", *pointers))


def settings(report: Report) -> Item:
    """Item 6: all that an experiment was told stands in its file."""
    text = "Splits, hyper-parameters, how they were chosen and the optimiser stand in each experiment's file."
    return Item("6", "Experimental setting and details", "auto", "Yes", text, tuple(confs(report)))


def significance(report: Report) -> Item:
    """Item 7: intervals over enough seeds, or a method without randomness."""
    title = "Experiment statistical significance"
    few = sorted({row.name for row in rows(report) if not row.deterministic and len(row.runs) < ENOUGH})
    if few:
        text = f"Fewer than {ENOUGH} runs, so no verdict: {', '.join(few)}."
        return Item("7", title, "auto", "No", text, tuple(tables(report)))
    text = "95% intervals over seeds, paired tests corrected by Holm; each caption says what varied."
    return Item("7", title, "auto", "Yes", text, tuple(tables(report)))


def compute(report: Report) -> Item:
    """Item 8: what all runs took, those that failed included."""
    devices = sorted({run.world.device or "unknown" for row in rows(report) for run in row.runs})
    text = f"Hours, memory and time per sample of every recorded run, failed ones included; on {', '.join(devices)}."
    return Item("8", "Experiments compute resources", "auto", "Yes", text, (f"{WITHIN}costs.md",))


def drafts(report: Report, folder: Path) -> list[Item]:
    """What a person confirms: evidence that is here, and no answer."""
    cards = sorted(f"{WITHIN}croissant/{path.name}" for path in folder.glob("croissant/*.json"))
    offered: list[tuple[str, str, str, Sequence[str]]] = [
        ("1", "Claims", "Do abstract and introduction say what the verdicts say?", tables(report)),
        ("2", "Limitations", "The technical report lists what records know.", [f"{WITHIN}report.md"]),
        ("12", "Licenses for existing assets", "Licences as the datasets state them.", cards),
        ("13", "New assets", "Is what is new documented?", ["LICENSE", "CITATION.cff", "README.md"]),
        ("16", "Declaration of LLM usage", "Prompts that were kept with the runs.", ["prompts"]),
    ]
    return [
        Item(key, title, "draft", "", text, tuple(path for path in evidence if exists(path, folder)))
        for key, title, text, evidence in offered
    ]


def completeness(report: Report, folder: Path) -> list[Item]:
    """The five items of ML Code Completeness, all checked mechanically."""
    readme = Path("README.md").read_text(encoding="utf-8") if Path("README.md").is_file() else ""
    fitted = [run for row in rows(report) for run in row.runs if run.checkpoint]
    weights = [(report.folder / run.run_id / run.checkpoint.file).as_posix() for run in fitted if run.checkpoint]
    found = [
        Item("1", "Dependencies", "auto", "Yes", "Exact pins; `make env` installs them.", ("requirements.lock",)),
        said("2", "Training code", "python train.py", readme, ("train.py", "README.md")),
        said("3", "Evaluation code", "python eval.py", readme, ("eval.py", "README.md")),
        Item("4", "Trained models", "auto", "Yes", "The selected weights of each run.", tuple(weights[:20])),
        said("5", "Results with their command", "python report.py", readme, (*tables(report), f"{WITHIN}numbers.json")),
    ]
    return [proved(item, folder) for item in found]


def said(key: str, title: str, command: str, readme: str, evidence: tuple[str, ...]) -> Item:
    """An item that also wants its command in the README."""
    if command not in readme:
        return Item(key, title, "auto", "No", f"README.md does not say `{command}`.")
    return Item(key, title, "auto", "Yes", f"`{command}`", evidence)


def notes(name: str) -> dict[str, dict[str, Any]]:
    """What people answered, by item; refused where it is not such a file."""
    if not NOTES.is_file():
        return {}
    try:
        found = yaml.safe_load(NOTES.read_text(encoding="utf-8")) or {}
        items = {str(key): dict(entry) for key, entry in (found.get(name) or {}).items()}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise Refusal(
            f"{NOTES} cannot be read", str(error), f"{name}: {{'1': {{answer: Yes, evidence: []}}}}"
        ) from error
    for key, entry in items.items():
        answer = entry.get("answer")
        entry["answer"] = answer if not isinstance(answer, bool) else "Yes" if answer else "No"  # YAML's own words
        if set(entry) - {"answer", "text", "evidence"} or entry["answer"] not in ANSWERS:
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
