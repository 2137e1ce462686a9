"""NeurIPS' paper checklist: items 4 to 8 by records, five with evidence for a person, the rest for a person alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from receipts.report.checklists.item import WITHIN, Item, exists, proved, rows, tables
from receipts.report.intervals import LEAST as ENOUGH
from receipts.report.model import Report

HUMAN = {
    "3": "Theory assumptions and proofs",
    "9": "Code of ethics",
    "10": "Broader impacts",
    "11": "Safeguards",
    "14": "Crowdsourcing and research with human subjects",
    "15": "Institutional review board approvals",
}


def neurips(report: Report, folder: Path) -> list[Item]:
    """The sixteen items."""
    items = [reproducibility(report), openness(report), settings(report), significance(report), compute(report)]
    found = {item.key: proved(item, folder) for item in items}
    found |= {item.key: item for item in drafts(report, folder)}
    found |= {key: Item(key, title, "human") for key, title in HUMAN.items()}
    return [found[str(number)] for number in range(1, 17)]


@dataclass(frozen=True, slots=True)
class Stated:
    """What the runs in the tables state, each once."""

    confs: list[str]
    manifests: list[str]
    dirty: list[str]
    terms: list[str]
    devices: list[str]


@lru_cache(maxsize=1)
def stated(report: Report) -> Stated:
    """The facts that the answers rest on, gathered once for every page that shows them."""
    runs = report.runs
    sources = {(run.data.source, run.data.licence) for run in runs}
    return Stated(
        sorted(f"conf/{conf}.yaml" for conf in {run.conf for run in runs}),
        sorted({run.data.manifest for run in runs}),
        sorted({run.run_id for run in runs if run.code.dirty}),
        sorted(f"{source}: {licence}" for source, licence in sources),
        sorted({run.world.device or "unknown" for run in runs}),
    )


def reproducibility(report: Report) -> Item:
    """Item 4: every number has a receipt, and everything that it names is committed."""
    known = stated(report)
    text = "Each number has a receipt: runs, seeds, commit, data checksum, harness hash, and the command that makes it."
    evidence = (f"{WITHIN}numbers.json", *known.confs, *known.manifests, "train.py", "eval.py", "requirements.lock")
    if known.dirty:
        told = f"Uncommitted code: {', '.join(known.dirty)}."
        return Item("4", "Experimental result reproducibility", "auto", "No", told)
    return Item("4", "Experimental result reproducibility", "auto", "Yes", text, evidence)


def openness(report: Report) -> Item:
    """Item 5: data and code with the exact commands."""
    text = f"README.md has the commands from a fresh clone to this report. Data: {'; '.join(stated(report).terms)}."
    pointers = [path for path in ("data.dvc", "dvc.yaml") if Path(path).is_file()]
    return Item("5", "Open access to data and code", "auto", "Yes", text, ("README.md", "LICENSE", *pointers))


def settings(report: Report) -> Item:
    """Item 6: all that an experiment was told stands in its file."""
    text = "Splits, hyper-parameters, how they were chosen and the optimiser stand in each experiment's file."
    return Item("6", "Experimental setting and details", "auto", "Yes", text, tuple(stated(report).confs))


def significance(report: Report) -> Item:
    """Item 7: intervals over enough seeds; where no method has randomness there is nothing that seeds could show."""
    title = "Experiment statistical significance"
    varying = [row for row in rows(report) if not row.deterministic]
    if not varying:
        text = (
            "No method has randomness, so there are no seeds; tests are over the test sample, where a table has them."
        )
        return Item("7", title, "auto", "NA", text, tuple(tables(report)))
    few = sorted({row.name for row in varying if row.behind < ENOUGH})
    if few:
        text = f"Fewer than {ENOUGH} runs, so no verdict: {', '.join(few)}."
        return Item("7", title, "auto", "No", text, tuple(tables(report)))
    text = "95% intervals over seeds, paired tests corrected by Holm; each caption says what varied."
    return Item("7", title, "auto", "Yes", text, tuple(tables(report)))


def compute(report: Report) -> Item:
    """Item 8: what all runs took, those that failed included."""
    devices = stated(report).devices
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
