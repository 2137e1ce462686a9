"""All checks of a score, from the stored predictions and the record."""

from receipts.bounds import confine
from receipts.checks.catalogue import GUARDS, NOTE, not_applicable
from receipts.config.project import RUNS
from receipts.config.schema import Config
from receipts.evaluation import audit
from receipts.evaluation.predictions import Predictions
from receipts.evaluation.received import read
from receipts.guards.after import easy, skill, units
from receipts.runs import comparison, known
from receipts.runs.record import Check, Record, Score
from receipts.runs.repeat import frozen

PERFORMANCE = tuple(name for name, guard in GUARDS.items() if guard.performance and guard.stage == "after")


def of_record(record: Record) -> list[Check]:
    """A verdict for every check of stored predictions, split by split."""
    config, folder, found = frozen(record).config, RUNS / record.run_id, []
    for split in dict.fromkeys(score.split for score in record.scores):
        score = record.score(split)
        assert score is not None
        lineage = audit.lineage(folder, score, record, config.facts.random_predictions)
        found += [audit.rescored(score), *lineage]
        found += examine(record, score, read(confine(folder, score.file)), config)
    return found


def examine(record: Record, score: Score, predictions: Predictions, config: Config) -> list[Check]:
    """Whether a score can be believed, and whether it is one that the data can give."""
    if record.limit:
        reason = "a run under a limit says nothing of how good a method is"
        return [not_applicable(f"{score.split}-{name}", reason) for name in PERFORMANCE]
    found = skill.relation(predictions, config.task)
    note = beside(record, score)
    return [
        skill.vary(predictions, score.split, record.rung),
        skill.above_chance(found, score.split),
        units.in_units(predictions, score.split, config.task, record.rung, config.split.rule == "time"),
        units.cut_off(predictions, score.split, config.task, record.rung),
        skill.beats_floor(predictions, score, config, record.rung, found, note),
        easy.too_good(score, config, record),
    ]


def beside(record: Record, score: Score) -> str:
    """How the run compares with the best recorded linear baseline; nothing where it is better or there is none."""
    own = comparison.value(score, record.primary or "")
    rows = comparison.compare(record, score, known.recorded(RUNS))
    line = next((row for row in rows if row.role == comparison.RUNGS["linear"]), None)
    if own is None or line is None or line.value is None or line.run is None or record.rung is not None:
        return ""
    worse = own < line.value if score.metrics[record.primary or ""].better == "higher" else own > line.value
    return f"{NOTE}worse than the linear baseline {line.run.run_id} ({line.value:.4f})" if worse else ""
