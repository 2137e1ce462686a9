"""Cases: a change of a small real project, the commands that a researcher would type, and what came of them.

`tests/faults/NAME/fault.yaml` tells of a fault, `tests/clean/NAME/clean.yaml` of an honest project that looks like one;
`change.patch` beside it is what a person wrote, as a diff of the project in `tests/projects/workshop`.
"""

import contextlib
import json
import re
import shutil
import subprocess
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from folders import commit, git, shipped_data
from launching import Ended, launch

ROOT = Path(__file__).resolve().parents[1]
WORKSHOP = ROOT / "tests" / "projects" / "workshop"
SCRIPTS = ("train.py", "eval.py", "ablate.py", "report.py")
SHIPPED = ("digits.csv.gz", "diabetes_data_raw.csv.gz", "diabetes_target.csv.gz")
DATASETS = ("digits", "one", "halves", "ready", "patients")
DOSE = "DOSE"  # stands in a patch for a number of `doses`


@dataclass(frozen=True)
class Caught:
    """By what a fault must be caught: a check, or `refusal`; when; and words of its message, best of its cure."""

    by: str
    stage: str
    says: str


@dataclass(frozen=True)
class Case:
    """One case, of one dose.

    `run` are the commands; `beyond` says that the checks were not made with it in mind, `slips` that none catches it
    yet, `past` when it got through in earnest. An honest project that `slips` is alarmed.
    """

    name: str
    folder: Path
    what: str
    run: tuple[str, ...]
    category: str = ""
    kind: str = ""
    caught: Caught | None = None
    dose: str | None = None
    strong: bool = True
    quick: bool = False
    beyond: bool = False
    slips: bool = False
    past: str | None = None

    @property
    def title(self) -> str:
        """The name, with the dose where there are several."""
        return self.name if self.dose is None else f"{self.name}[{self.dose}]"

    @property
    def patch(self) -> str:
        """What a person wrote."""
        path = self.folder / "change.patch"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return text if self.dose is None else text.replace(DOSE, self.dose)


@dataclass
class Outcome:
    """What came of a case. `by` are the checks that failed, or `refusal`; `steps` is None where nothing was trained."""

    code: int = 0
    by: list[str] = field(default_factory=list)
    stage: str = ""
    said: str = ""
    command: str = ""
    seconds: float = 0.0
    steps: int | None = None
    told: list[str] = field(default_factory=list)
    out: str = ""

    @property
    def verdict(self) -> str:
        """`caught` where the number was kept from being accepted, `warned` where it was told; `missed`, `crash`."""
        return {0: "warned" if self.told else "missed", 3: "caught", 4: "caught"}.get(self.code, "crash")


def faults() -> list[Case]:
    """Every fault, of every dose."""
    return [case for path in sorted((ROOT / "tests" / "faults").glob("*/fault.yaml")) for case in read(path)]


def clean() -> list[Case]:
    """Every clean project."""
    return [case for path in sorted((ROOT / "tests" / "clean").glob("*/clean.yaml")) for case in read(path)]


def read(path: Path) -> list[Case]:
    """The cases of a file: one, or one a dose, the strongest first."""
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    doses = [None] if "doses" not in told else [str(dose) for dose in told.pop("doses")]
    caught = Caught(**told.pop("caught")) if told.get("caught") else told.pop("caught", None)
    return [
        Case(
            name=path.parent.name,
            folder=path.parent,
            what=told["what"],
            run=tuple(told["run"]),
            category=told.get("category", ""),
            kind=told.get("class", ""),
            caught=caught,
            dose=dose,
            strong=dose == doses[0],
            quick=told.get("quick", False) and dose == doses[0],
            beyond=told.get("beyond", False),
            slips=told.get("slips", False),
            past=told.get("past"),
        )
        for dose in doses
    ]


def workshop(folder: Path) -> Path:
    """The project that cases change: its data real and under a data.dvc, divided, committed."""
    shutil.copytree(WORKSHOP, folder)
    for script in SCRIPTS:
        shutil.copy(ROOT / script, folder)
    shipped_data(folder, *SHIPPED)
    git(folder, "init", "-q", "-b", "main")
    point(folder)
    for name in DATASETS:
        done = launch(folder, "receipts", "split", name)
        assert done.code == 0, done.err
    commit(folder, "start")
    return folder


def point(folder: Path) -> None:
    """What `dvc add data` does: data.dvc names the bytes."""
    from receipts.provenance.checksums import folder_md5

    with contextlib.chdir(folder):  # checksums are of paths within a project
        md5 = folder_md5(Path("data"))
    (folder / "data.dvc").write_text(f"outs:\n- md5: {md5}\n  hash: md5\n  path: data\n")


def changed(case: Case, template: Path, folder: Path) -> Path:
    """A copy of the project with the case's change in it, committed as a tidy person does."""
    shutil.copytree(template, folder)
    if patch := case.patch:
        subprocess.run(
            ["git", "apply", "--recount", "-"], cwd=folder, input=patch, text=True, check=True, capture_output=True
        )
    return folder


def play(case: Case, template: Path, folder: Path) -> Outcome:
    """Change the project and type the commands, until one of them ends otherwise than well."""
    changed(case, template, folder)
    outcome = Outcome()
    for command in case.run:
        if git(folder, "status", "--porcelain"):
            commit(folder)
        script, *words = command.split()
        began = time.monotonic()
        done = launch(folder, script, *words, before=as_for_people, timeout=300)
        outcome.seconds = time.monotonic() - began
        outcome.code, outcome.command, outcome.out = done.code, command, done.out + done.err
        outcome.told += warnings_of(done)
        if done.code:
            break
    return judged(outcome, folder)


def as_for_people() -> None:
    """Warnings are shown, and are no errors."""
    warnings.simplefilter("default")


def warnings_of(done: Ended) -> list[str]:
    """What a launch warned of in words of its own; what a report leaves open is one."""
    return re.findall(r"(?m)(?:(?<=WARNING  )|(?<=NOTE  )).*$|inconclusive \([^)]*\)", done.out)


def judged(outcome: Outcome, folder: Path) -> Outcome:
    """The outcome with what the newest record and the last lines tell: which checks failed, when, after which step."""
    found = newest(folder)
    failing = [check for check in found.get("checks", []) if check["verdict"] == "fail"] if outcome.code == 4 else []
    outcome.by = [check["code"] for check in failing]
    outcome.stage = next((check.get("stage", "") for check in failing), "")
    outcome.said = " ".join(f"{check['evidence']} / {check.get('cure', '')}" for check in failing)
    if outcome.code == 3 or (outcome.code == 4 and not failing):
        block = re.search(r"^(REFUSED|FAILED) .*(\n +.*)*", outcome.out, re.MULTILINE)
        outcome.by, outcome.stage, outcome.said = ["refusal"], "start", block[0] if block else outcome.out[-800:]
    outcome.steps = steps(folder, found)
    return outcome


def newest(folder: Path) -> dict[str, Any]:
    """The record of the run that was begun last; nothing where none was."""
    records = sorted(folder.glob("runs/*/record.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(records[-1].read_text()) if records else {}


def steps(folder: Path, record: dict[str, Any]) -> int | None:
    """How many steps the newest run made; None where it never began to train."""
    log = folder / "runs" / record.get("run_id", "none") / "train.log"
    found = re.findall(r"step (\d+)/", log.read_text(encoding="utf-8")) if log.is_file() else []
    return int(found[-1]) if found else None


def named(outcome: Outcome, case: Case) -> bool:
    """Whether a fault was caught by what should catch it, with the words that help."""
    return case.caught is not None and is_by(outcome, case.caught) and case.caught.says in outcome.said


def is_by(outcome: Outcome, caught: Caught) -> bool:
    """Whether the check is among those that failed, with or without the split before its name."""
    codes = (caught.by, f"train-{caught.by}", f"val-{caught.by}", f"test-{caught.by}")
    return bool(set(codes) & set(outcome.by))
