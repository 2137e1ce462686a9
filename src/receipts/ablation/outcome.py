"""What a plan came to: every arm's runs at a glance, what failed and why, and what to type next."""

from collections.abc import Mapping

from receipts.ablation.cells import run_of
from receipts.ablation.forecast import Work, is_done
from receipts.ablation.planning import Planned
from receipts.config.entry import BUG, worst
from receipts.config.questions import Ablating
from receipts.refusal import CHECK_FAILED
from receipts.runs import plans, results
from receipts.runs.log import say
from receipts.runs.plans import Plan
from receipts.runs.record import Record


def show(found: Planned, work: Work, asked: Ablating, codes: Mapping[int, int]) -> int:
    """Print each arm's values on val, one for each run, and what is left to do; the exit code they call for."""
    plan, test = found.plan, asked.test or asked.folds is not None
    say(f"plan {plan.plan_id}")
    ran = {number: run_of(cell) for number, cell in enumerate(plan.cells)}
    for arm in plan.arms:
        own = [number for number, cell in enumerate(plan.cells) if cell.arm == arm.name]
        values = [text for number in own if (text := value(ran[number]))]
        ok = sum(is_done(ran[number], test) for number in own)
        say(f"  {arm.name}  {ok}/{len(own)} ok  {'  '.join(values)}")
    open_cells = [number for number in ran if not is_done(ran[number], test)]
    for number in open_cells:
        record = ran[number]
        reason = record.failure.reason if record and record.failure else "not completed"
        say(f"  OPEN  {plans.name(plan.cells[number])}: {reason}")
    if open_cells:
        failed = any((record := ran[number]) is not None and record.status == "failed" for number in open_cells)
        say(f"  next  {plan.command}{' retry=true' if failed else ''}")
    else:
        say(f"  next  python report.py      (what it means; the run behind every cell: {found.folder}/plan.json)")
    lasting = [CHECK_FAILED] * bool(work.failed)
    return worst([code if code >= 0 else BUG for code in codes.values()] + lasting)


def publish(plan: Plan, asked: Ablating) -> None:
    """Leave what a stage of dvc.yaml is asked for, once every run of an experiment as its file states it is scored."""
    as_stated = plan.kind in ("ablations", "seeds") and not asked.override and not asked.words
    runs = {arm.name: [run_of(cell) for cell in plan.cells if cell.arm == arm.name] for arm in plan.arms}
    done = {name: [record for record in own if is_done(record, asked.test)] for name, own in runs.items()}
    if as_stated and asked.test and all(len(done[name]) == len(own) for name, own in runs.items()):
        results.publish(plan.conf, {name: [record for record in own if record] for name, own in done.items()})


def value(record: Record | None) -> str:
    """The primary metric on val of a completed run."""
    score = record.score("val") if record is not None and record.status == "completed" else None
    if record is None or score is None or record.primary not in score.metrics:
        return ""
    found = score.metrics[record.primary].value
    return "undefined" if found is None else f"{found:.4f}"
