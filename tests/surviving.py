"""What must be true of a project's folder whatever has happened to the commands in it."""

import csv
import hashlib
import re
from pathlib import Path

from receipts.refusal import Refusal
from receipts.report import collect, numbers
from receipts.runs import record as records
from receipts.runs.record import Record
from receipts.training import checkpoints

CACHES = (".known.json", ".vetted", ".printed", ".tracking", ".preflight", ".checksums", ".pulled")
TOLD = re.compile(r"^epoch (\d+)/\d+  ", re.MULTILINE)


def kept(folder: Path) -> dict[str, Record]:
    """Every record that can be read, by run id."""
    found = {}
    for name in collect.names(folder / "runs"):
        try:
            found[name] = records.read(folder / "runs" / name)
        except Refusal:
            continue
    return found


def findings(folder: Path, before: dict[str, Record]) -> list[str]:
    """What is wrong with the runs of a folder, of which `before` were there already; nothing where all is well."""
    now = kept(folder)
    found = [f"{name} holds no readable record" for name in collect.names(folder / "runs") if name not in now]
    found += [f"{name} is lost" for name in before if name not in now]
    for name, record in now.items():
        place = folder / "runs" / name
        found += [f"{name}: {problem}" for problem in (*of_scores(place, record), *of_files(place, record))]
        if name in before:
            found += [f"{name}: {problem}" for problem in shrunk(before[name], record)]
    return found + of_report(folder)


def of_scores(place: Path, record: Record) -> list[str]:
    """Scores whose predictions are not those that were scored."""
    found = []
    for split in {score.split for score in record.scores}:
        score = record.score(split)
        assert score is not None
        file = place / score.file
        if not file.is_file():
            found.append(f"{split} is scored, and {score.file} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != score.sha256:
            found.append(f"{score.file} is not what was scored")
    return found


def of_files(place: Path, record: Record) -> list[str]:
    """Weights that are not those recorded, rows or lines that are not whole, a completed run with litter in it."""
    found = []
    if record.checkpoint is not None and record.checkpoint.file.endswith(".ckpt"):
        try:
            checkpoints.state_of(place / record.checkpoint.file, record.checkpoint.weights)
        except Refusal as problem:
            found.append(problem.what)
    if (history := place / "history.csv").is_file():
        rows = list(csv.reader(history.read_text(encoding="utf-8").splitlines()))
        if any(len(row) != len(rows[0]) for row in rows):
            found.append("a row of history.csv is cut")
    if (log := place / "train.log").is_file():
        text = log.read_text(encoding="utf-8")
        if text and not text.endswith("\n"):
            found.append("the last line of train.log is cut")
        told = [int(epoch) for epoch in TOLD.findall(re.sub(r"(?m)^\S+ \S+ ", "", text))]
        if told and not (history.is_file() and len(history.read_text().splitlines()) > len(set(told))):
            found.append(f"epoch {max(told)} was told of, and history.csv lacks it")
    if record.status == "failed" and record.failure is None:
        found.append("it failed, and nobody knows why")
    return found


def shrunk(before: Record, after: Record) -> list[str]:
    """What a record held and holds no longer; a completed run may gain scores, openings and names, nothing else."""
    found = []
    if before.status == "completed" and after.status != "completed":
        found.append(f"it was completed and is {after.status}")
    for name in ("scores", "openings", "names"):
        old, new = getattr(before, name), getattr(after, name)
        if new[: len(old)] != old:
            found.append(f"its {name} are not those it had")
    if before.status == "completed" and (before.checkpoint, before.ended) != (after.checkpoint, after.ended):
        found.append("it was completed, and its weights or its end are others now")
    return found


def of_report(folder: Path) -> list[str]:
    """A report is the old one or the new one, never half of one."""
    report = folder / "report"
    if not report.exists():
        return []
    missing = [name for name in (numbers.NAME, "index.html", "report.md") if not (report / name).is_file()]
    return [f"report/ lacks {', '.join(missing)}"] if missing else []


def litter(folder: Path) -> list[str]:
    """What half-done work has left behind, in the runs and beside them."""
    runs = [path for path in (folder / "runs").rglob(".*") if path.name not in CACHES]
    beside = [path for path in folder.glob(".*") if path.name.startswith((".report", ".EXPERIMENTS"))]
    return [path.relative_to(folder).as_posix() for path in (*runs, *beside) if path.suffix != ".lock"]
