"""A run beside the floor, the linear baseline and the best run that were scored on the same samples.

From records alone. Comparable is what has the same data, split manifest, split, number of samples, harness, limit on
rows and primary metric; anything else would compare two questions.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from receipts.refusal import Refusal
from receipts.runs import record as records
from receipts.runs.known import Known, known
from receipts.runs.record import Record, Score

RUNGS = {"floor": "floor", "linear": "linear baseline"}


class Row(NamedTuple):
    """What a run is compared with: in which role, which run, its number; the run is None where there is none."""

    role: str
    run: Known | None
    value: float | None


def recorded(runs: Path) -> list[Record]:
    """Every completed run of a folder that can be read, newest first."""
    found = []
    for path in sorted(runs.glob("*/record.json"), reverse=True):
        try:
            record = records.read(path.parent)
        except Refusal:
            continue  # `receipts ls` names it
        if record.status == "completed":
            found.append(record)
    return found


def compare(record: Record, score: Score, others: Sequence[Known]) -> list[Row]:
    """The floor, the linear baseline and the best run comparable with a score of this run, which may be itself."""
    primary = record.primary or ""
    pairs = [(other, number) for other in others if (number := counterpart(record, score, other)) is not None]
    if record.run_id not in {other.run_id for other, _ in pairs} and (own := value(score, primary)) is not None:
        pairs.append((known(record), own))
    rows = []
    for rung, role in RUNGS.items():
        found = best([(other, number) for other, number in pairs if other.rung == rung], score, primary)
        rows.append(Row(role, *(found or (None, None))))
    return [*rows, Row("best recorded", *(best(pairs, score, primary) or (None, None)))]


def best(pairs: list[tuple[Known, float]], score: Score, primary: str) -> tuple[Known, float] | None:
    """The best of several runs, by the metric's own direction; of equal ones the first."""
    sign = -1 if primary in score.metrics and score.metrics[primary].better == "lower" else 1
    return max(pairs, key=lambda pair: sign * pair[1], default=None)


def counterpart(record: Record, score: Score, other: Known) -> float | None:
    """Another run's primary number where it answers the same question as this score, else None."""
    asked = (record.identity.data, record.identity.split, record.primary, record.limit.get("rows"))
    if not other.sound or (other.data, other.split, other.primary, other.rows) != asked:
        return None
    wanted = (score.split, score.n, score.harness)
    return next((s.value for s in reversed(other.scores) if (s.split, s.n, s.harness) == wanted), None)


def value(score: Score, primary: str) -> float | None:
    """The primary number of a score."""
    return score.metrics[primary].value if primary in score.metrics else None


def table(record: Record, others: Sequence[Known]) -> str:
    """The comparison in Markdown, one line for each role and split; empty for a record without a primary metric."""
    if record.primary is None or not record.scores:
        return ""
    lines = [f"| {record.primary} | run | split | value | this run |", "|---|---|---|---|---|"]
    missing = []
    for split in dict.fromkeys(score.split for score in record.scores):
        score = record.score(split)
        own = value(score, record.primary) if score else None
        if score is None or own is None:
            continue
        for role, other, number in compare(record, score, others):
            if other is None or number is None:
                missing.append(f"no {role} on {split}")
            elif other.run_id == record.run_id:
                lines.append(f"| {role} | this run | {split} | {number:.4f} | |")
            else:
                shown = f"`{other.run_id}`" + ("" if other.reportable else " (not reportable)")
                lines.append(f"| {role} | {shown} | {split} | {number:.4f} | {own - number:+.4f} |")
    told = f"There is {'; '.join(missing)}, recorded on the same data, split and harness." if missing else ""
    same = "Same data, split, samples and harness, as recorded when this page was written; one run each, no verdict."
    return "\n".join([*(lines if len(lines) > 2 else []), *(["", same] if len(lines) > 2 else []), "", told]).strip()
