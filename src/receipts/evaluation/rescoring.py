"""Scoring again, from stored predictions and by today's harness: nothing is trained, and no split is opened."""

import hashlib
from pathlib import Path

from receipts.bounds import confine
from receipts.checks.catalogue import settled
from receipts.config import own as declared
from receipts.config.project import RUNS
from receipts.evaluation import drilldown, own
from receipts.evaluation.received import read
from receipts.evaluation.scoring import scored
from receipts.provenance import code
from receipts.refusal import CHECK_FAILED, DONE, Refusal, tell, visible
from receipts.runs import choice, comparison, repeat, store
from receipts.runs.record import Record, Score
from receipts.runs.views import number


def rescore(wanted: str) -> int:
    """Rescore one run, or with `all` every completed one; returns the worst exit code, for a refused run goes on."""
    runs = list(reversed(comparison.recorded(RUNS))) if wanted == "all" else [choice.select(wanted)]
    worst = DONE
    for record in runs:
        try:
            again, added = rescore_run(record.run_id)
        except Refusal as problem:
            worst = max(worst, tell(problem))
            continue
        lines = [f"{split} {change(record, again, split)}" for split in added]
        print(visible(f"{record.run_id}  {'; '.join(lines) or 'already scored by this harness'}"))
        worst = max(worst, CHECK_FAILED if again.failing else DONE)
    print("next: receipts sync" if runs else "no completed runs yet: python train.py")
    return worst


def rescore_run(run_id: str) -> tuple[Record, list[str]]:
    """Append a score under today's harness to every split that has none, and name those splits.

    Old scores stay, the views are rewritten. Refuses a predictions file that is not the one that was scored, and own
    metrics whose worked example fails.
    """
    with store.editing(run_id) as run:
        config = repeat.experiment_of(run.record).config
        declared.prove(config.metrics)
        hashes, added = own.hashes(config), []
        for split in dict.fromkeys(score.split for score in run.record.scores):
            last = run.record.score(split)
            assert last is not None
            if (last.harness, last.own) == (code.harness(), hashes):
                continue
            stored = read(verified(run.folder, last))
            found, checks = scored(stored, config, split, last.file, last.sha256)
            drilldown.write(run.folder, split, stored, config.task)
            run.record.scores.append(found)
            run.record.checks += settled(checks, config.waive)
            added.append(split)
        return run.complete() if added else run.record, added


def verified(folder: Path, score: Score) -> Path:
    """The predictions file of a score, which must hold the bytes that were scored."""
    path = confine(folder, score.file)
    cure = "restore it from MLflow or a backup, or predict again: python eval.py run_id=RUN"
    if not path.is_file():
        raise Refusal(f"{path} is missing", "the record names it as what was scored", cure)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != score.sha256:
        raise Refusal(
            f"{path} is not the file that was scored",
            f"the record says sha256 {score.sha256[:12]}…, the file hashes to {found[:12]}…",
            cure,
        )
    return path


def change(before: Record, after: Record, split: str) -> str:
    """A split's primary number, then and now."""
    then, now = before.score(split), after.score(split)
    assert then is not None
    assert now is not None
    name = after.primary if after.primary in now.metrics else next(iter(now.metrics))
    old = number(then.metrics[name], before.word) if name in then.metrics else "not computed"
    return f"{name} {old} then, {number(now.metrics[name], after.word)} now"
