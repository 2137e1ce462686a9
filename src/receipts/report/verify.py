"""`check=true`: every number once more from the stored predictions, every file once more from the records."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path

from receipts.bounds import confine
from receipts.config.questions import Reporting
from receipts.config.schema import Config
from receipts.evaluation import own
from receipts.evaluation.metrics import confusion, evaluate, scored_as
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.received import read
from receipts.provenance import code, identity
from receipts.refusal import CHECK_FAILED, DONE, Refusal
from receipts.report import experiments, gauntlet, looks, numbers, output, paper
from receipts.report.collect import Collected, value
from receipts.report.model import Report
from receipts.runs import repeat, store, tracked, views
from receipts.runs.log import say
from receipts.runs.record import Record, Score

SHOWN = 40  # lines of findings on the screen


@dataclass
class Findings:
    """What does not fit, what could not be looked at and why, and how much was."""

    wrong: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, by: int = 1) -> None:
        """Note that something was looked at: a noun for one of them, and where they are (`run in MLflow`)."""
        self.done[what] = self.done.get(what, 0) + by

    def looked(self) -> str:
        """How much was looked at, in words."""
        parts = [(count, *what.partition(" in ")) for what, count in self.done.items()]
        return ", ".join(f"{views.counted(count, noun)}{place}{where}" for count, noun, place, where in parts)


def check(report: Report, found: Collected, asked: Reporting) -> int:
    """Look at everything, write nothing, name what was changed; exit code 4 where anything was."""
    return told(look(report, found, asked))


def look(report: Report, found: Collected, asked: Reporting) -> Findings:
    """Everything that does not fit: records, predictions, MLflow, the report's files and those of a paper."""
    seen, folder = Findings(), Path(asked.folder)
    completed = [record for record in found.records if record.status == "completed"]
    for record in completed:
        recompute(record, found.folder, seen)
    ask_mlflow(completed, seen)
    receipts(folder, found, seen)
    try:
        outputs(report, folder, seen)
    except Refusal as problem:  # of a file that cannot be read: the other findings are to be told all the same
        seen.wrong.append(f"{folder}/ cannot be made again: {problem.what}")
    if asked.tex is not None:
        seen.wrong += paper.unexplained(Path(asked.tex), report)
        seen.count("paper")
    return seen


def told(seen: Findings) -> int:
    """The findings on the screen, and the exit code."""
    for line in seen.wrong[:SHOWN]:
        say(f"  WRONG    {line}")
    if len(seen.wrong) > SHOWN:
        say(f"  WRONG    and {len(seen.wrong) - SHOWN} more")
    for line in seen.not_run:
        say(f"  not run  {line}")
    found = views.counted(len(seen.wrong), "finding")
    say(f"check  {'FAILED' if seen.wrong else 'passed'}: {seen.looked()}; {found}")
    return CHECK_FAILED if seen.wrong else DONE


def recompute(record: Record, runs: Path, seen: Findings) -> None:
    """A run's prediction files by their hashes, its numbers to the last digit, its record by its own config."""
    try:
        config = repeat.frozen(record, runs).config
    except Refusal as problem:
        seen.wrong.append(f"{record.run_id}: {problem.what}")
        return
    if record.code.core.sha256 == code.core():  # another core may know other keys
        seen.wrong += [f"{record.run_id}: {told}" for told in altered(record, config)]
        seen.count("record")
    for score in {(one.split, one.file): one for one in record.scores}.values():
        path = confine(runs / record.run_id, score.file)
        if told := changed(path, score):
            seen.wrong.append(told)
            continue
        seen.count("prediction file")
        if score.harness != code.harness():
            seen.not_run.append(f"{record.run_id} {score.split}: scored by another harness (receipts rescore all)")
            continue
        seen.wrong += [f"{record.run_id}: {told}" for told in otherwise(path, score, config)]
        seen.count("number", len(score.metrics))


def changed(path: Path, score: Score) -> str:
    """What happened to a prediction file since it was scored; nothing where it holds the same bytes."""
    if not path.is_file():
        return f"{path} is missing"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == score.sha256:
        return ""
    return f"{path} is not the file that was scored: sha256 {found[:12]}…, the record says {score.sha256[:12]}…"


def altered(record: Record, config: Config) -> list[str]:
    """What a record says of itself that its own config and identity contradict."""
    values, found = asdict(config), record.identity
    parts = {name: getattr(found, name) for name in ("config", "code", "lock", "data", "split")}
    facts = {
        "config": (identity.config_hash(values), found.config),
        "method": (identity.method_hash(values), record.method),
        "identity": (code.combined(parts), found.id),
        "seed": (config.seed, record.seed),
        "primary metric": (config.task.primary, record.primary),
        "margin": (config.task.margin, record.margin),
        "deterministic": (config.facts.deterministic, record.deterministic),
        "blocked_by": (store.obstacles(record), record.blocked_by),
        "reportable": (not record.blocked_by, record.reportable),
        "run id": (found.id[:8], record.run_id.rpartition("-")[2]),
    }
    differing = {name: both for name, both in facts.items() if both[0] != both[1]}
    return [f"its record says {name} {theirs!r}, and it is {ours!r}" for name, (ours, theirs) in differing.items()]


def otherwise(path: Path, score: Score, config: Config) -> list[str]:
    """Numbers of a score that its predictions do not give."""
    try:
        stored = read(path)
        again = evaluate(stored, config.task, second=False)
        theirs = own.score(stored, config, score.split, again)[0] if config.metrics else {}
    except Refusal as problem:
        return [f"{score.split} cannot be scored again: {problem.what}"]
    found = []
    for name, metric in (again | theirs).items():
        recorded = score.metrics.get(name)
        if recorded is None or value(recorded) != value(metric):
            said = "nothing" if recorded is None else value(recorded)
            found.append(f"{score.split} {name} is {value(metric)} by its predictions, its record says {said}")
    return [*found, *counted(stored, score, config)]


def counted(stored: Predictions, score: Score, config: Config) -> list[str]:
    """Whether the number of samples and the confusion matrix are those of the predictions."""
    found = []
    if len(stored) != score.n:
        found.append(f"{score.split} has {len(stored)} predictions, its record says {score.n}")
    has_classes = score.confusion is not None and scored_as(config.task) != "regression"
    if has_classes and confusion(stored, config.task).tolist() != score.confusion:
        found.append(f"{score.split}: the confusion matrix is not that of its predictions")
    return found


def ask_mlflow(records: Sequence[Record], seen: Findings) -> None:
    """Hold MLflow's metrics against the records, where a store can be asked."""
    try:
        wrong, absent = tracked.differing(records)
    except Refusal as problem:
        seen.not_run.append(f"MLflow: {problem.what}: {problem.why}")
        return
    seen.wrong += wrong
    seen.count("run in MLflow", len(records) - absent)
    if absent:
        seen.not_run.append(f"MLflow: {views.counted(absent, 'run')} not in the store (receipts sync)")


def receipts(folder: Path, found: Collected, seen: Findings) -> None:
    """Whether every run that a written number points to is still here and can be read."""
    path = folder / numbers.NAME
    try:
        named = json.loads(path.read_text(encoding="utf-8"))["receipts"]
        runs = {run_id for receipt in named.values() for run_id in receipt["runs"]}
    except FileNotFoundError as error:
        raise Refusal(f"{folder}/ holds no report", f"{path} is missing", "python report.py") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        seen.wrong.append(f"{path} cannot be read: {error}")
        return
    here = {record.run_id for record in found.records}
    for run_id in sorted(runs - here):
        seen.wrong.append(f"{run_id}, which {path} names, {found.broken.get(run_id, 'is not among the runs')}")


def outputs(report: Report, folder: Path, seen: Findings) -> None:
    """Write everything anew beside the report and compare byte by byte."""
    with output.beside(folder) as fresh:
        gauntlet.carry(folder, fresh)
        looks.carry(folder, fresh)
        output.fill(report, fresh)
        files = [path.relative_to(root) for root in (fresh, folder) for path in root.rglob("*") if path.is_file()]
        names = sorted(set(files))
        for name in names:
            seen.wrong += differing(fresh / name, folder / name)
        seen.count("generated file", len(names))
    text = experiments.read(experiments.PATH)
    if (again := experiments.updated(report, text)) != text:
        seen.wrong.append(f"{experiments.PATH}: {first_difference(again, text)}")
    seen.count("row in EXPERIMENTS.md", again.count("\n| [`"))


def differing(fresh: Path, old: Path) -> list[str]:
    """How a generated file differs from what is generated now."""
    if not old.is_file():
        return [f"{old} is missing"]
    if not fresh.is_file():
        return [f"{old} is no file of this report"]
    ours, theirs = fresh.read_bytes(), old.read_bytes()
    if ours == theirs:
        return []
    try:
        return [f"{old}: {first_difference(ours.decode(), theirs.decode())}"]
    except UnicodeDecodeError:
        return [f"{old} is not what the records give"]


def first_difference(ours: str, theirs: str) -> str:
    """The first line in which two texts differ, from where they do."""
    for now, was in zip_longest(ours.splitlines(), theirs.splitlines(), fillvalue="nothing"):
        if now != was:
            same = max(
                0, next((at for at, both in enumerate(zip(now, was, strict=False)) if both[0] != both[1]), 0) - 20
            )
            return f"it has {was[same : same + 80]!r} where the records give {now[same : same + 80]!r}"
    return "line ends differ"
