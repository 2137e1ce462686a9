"""What must be true of a score before it is believed."""

from pathlib import Path

from receipts.checks.catalogue import failed, not_applicable, passed
from receipts.runs import dynamics
from receipts.runs.record import Check, Record, Score

LINEAGE = 1e-6


def rescored(score: Score) -> Check:
    """That every id was scored once, and how far the two implementations of the harness are apart."""
    pairs = [(m.value, m.second) for name, m in score.metrics.items() if name not in score.own]
    apart = max((abs(one - other) for one, other in pairs if one is not None and other is not None), default=0.0)
    evidence = f"{score.n} of {score.n} ids once; second implementation within {apart:.1e}"
    return passed(f"{score.split}-rescored", evidence)


def lineage(folder: Path, score: Score, record: Record, drawn: bool) -> list[Check]:
    """The value that chose the checkpoint, on val, against the value of the weights read back from it.

    Predictions that are `drawn` anew each time may differ by as much as other rows of the same kind would make them.
    """
    if score.split != "val":
        return []
    checkpoint, history = record.checkpoint, folder / "history.csv"
    if checkpoint is None or checkpoint.epoch is None or not history.is_file():
        return [not_applicable("selected-is-scored", "nothing was selected among epochs")]
    metric = checkpoint.rule.rpartition(" ")[2]
    rows = [row for row in dynamics.read(history) if row.get("epoch") == checkpoint.epoch]
    seen = [value for row in rows if (value := row.get(f"val/{metric}")) is not None]
    now, interval = score.metrics[metric].value, score.intervals.get(metric)
    allowed = interval.high - interval.low if drawn and interval else LINEAGE
    if drawn and not interval:
        return [not_applicable("selected-is-scored", "predictions are drawn, and nothing says how far they vary")]
    if now is None or not seen or min(abs(value - now) for value in seen) > allowed:
        seen_then = f"val {metric} was {seen} at epoch {checkpoint.epoch} and is {now} for {checkpoint.file}"
        return [failed("selected-is-scored", f"the scored weights are not the selected ones: {seen_then}")]
    said = f"val {metric} of {checkpoint.file} is that of epoch {checkpoint.epoch}"
    return [passed("selected-is-scored", f"{said}, within the {allowed:.3g} that drawing explains" if drawn else said)]
