"""A plan as a table: each arm a row, the first one the reference."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from receipts.config.files import files
from receipts.config.reporting import PlanOf, TableAsked, wrong
from receipts.report import methods
from receipts.report.collect import Collected
from receipts.report.draft import Draft
from receipts.report.methods import Picked
from receipts.runs.plans import Arm, Plan
from receipts.runs.record import Record

Runs = Mapping[str, Sequence[Record]]  # by identity

COMMANDS = {  # what makes a plan of each kind
    "ablations": "python ablate.py conf={conf}",
    "sweep": "python ablate.py conf={conf} 'sweep={key}=[…]'",
    "comparison": "python ablate.py conf={conf},ANOTHER",
    "folds": "python ablate.py conf={conf} folds=5",
}


def of_latest(
    name: str, asked: TableAsked, wanted: PlanOf, split: str, found: Collected, allow: Mapping[str, str]
) -> Draft:
    """The table of an experiment's latest plan of one kind; what its file declares comes before what was typed.

    Whatever can be reported comes before what cannot: see `newest`.
    """
    ((kind, conf),) = wanted.asked
    plans = [p for p in found.plans if p.conf == conf and p.kind == kind and wanted.key in ("", p.key)]
    if not plans and conf not in files("conf"):
        raise wrong(
            f"tables.{name} asks for the {kind} of {conf!r}, and there is no such experiment",
            f"conf/ holds {', '.join(files('conf'))}",
            "correct the name",
        )
    if not plans:
        cure = COMMANDS[kind].format(conf=conf, key=wanted.key or "KEY")
        waiting = Picked("none", conf, note=f"no plan of this kind ({kind} of {conf}) yet: {cure}")
        return Draft(name, asked.caption, split, (waiting,))
    return newest(name, plans, split, by_identity(found), allow, asked)


def newest(
    name: str, plans: Sequence[Plan], split: str, runs: Runs, allow: Mapping[str, str], asked: TableAsked | None = None
) -> Draft:
    """The table of the latest of some plans of which anything can be reported; where none is, of the latest.

    So a quick look at a plan, or one that came to nothing, does not take the place of the evidence that is there.
    """
    ordered = sorted(plans, key=lambda plan: (is_declared(plan), plan.plan_id), reverse=True)
    passed: list[Draft] = []
    for plan in ordered:
        draft = of_plan(name, plan, split, runs, allow, asked)
        if draft.is_filled:
            return replace(draft, passed=tuple(passed))
        passed.append(draft)
    return passed[0]


def by_identity(found: Collected) -> Runs:
    """The runs of each identity, oldest first."""
    runs: defaultdict[str, list[Record]] = defaultdict(list)
    for record in found.records:
        runs[record.identity.id].append(record)
    return runs


def is_declared(plan: Plan) -> bool:
    """Whether a plan's arms stand in the experiment's file."""
    return plan.kind == "ablations" and not plan.exploratory


def of_plan(
    name: str, plan: Plan, split: str, runs: Runs, allow: Mapping[str, str], asked: TableAsked | None = None
) -> Draft:
    """A plan as a table, its first arm the reference; on val where no cell was ever scored on the split asked for."""
    scored = any(run.score(split) for cell in plan.cells for run in runs.get(cell.identity, ()))
    if not scored and not (asked and asked.split):
        split = "val"
    rows = tuple(of_arm(plan, arm, runs, split, allow) for arm in ordered(plan))
    caption = asked.caption if asked else ""
    columns = tuple(asked.columns) if asked else ()
    reference = methods.slug(plan.arms[0].name) if len(rows) > 1 else None
    return Draft(name, caption, split, rows, columns, reference, plan, plan.exploratory)


def of_arm(plan: Plan, arm: Arm, runs: Runs, split: str, allow: Mapping[str, str]) -> Picked:
    """One arm as a row: the runs of its cells, whoever started them."""
    cells = [cell for cell in plan.cells if cell.arm == arm.name]
    records = [record for cell in cells for record in runs.get(cell.identity, ())]
    why = {record.run_id: methods.obstacle(record, split, allow) for record in records}
    missing = sum(not runs.get(cell.identity) for cell in cells)
    text = arm.name if not arm.overrides or arm.name in arm.overrides else f"{arm.name} ({', '.join(arm.overrides)})"
    if arm is plan.arms[0] and plan.kind == "sweep":
        text = f"{arm.name} ({plan.key}={turned(plan, arm)})"
    picked = methods.row(methods.slug(arm.name), text, records, why, {}, missing)
    folds = {cell.identity: cell.fold for cell in cells}
    of_runs = {run.run_id: fold for run in picked.runs if (fold := folds.get(run.identity.id)) is not None}
    return replace(picked, folds=of_runs, expect=arm.expect)


def ordered(plan: Plan) -> list[Arm]:
    """Arms as they were declared; those of a sweep over numbers in the order of the numbers."""
    values = [turned(plan, arm) for arm in plan.arms]
    if plan.kind != "sweep" or not all(type(value) in (int, float) for value in values):
        return plan.arms
    return [plan.arms[at] for at in sorted(range(len(values)), key=lambda at: float(values[at]))]


def turned(plan: Plan, arm: Arm) -> Any:
    """What an arm of a sweep gave to its key; the reference's value is what the others' was before."""
    if plan.key in arm.difference:
        return arm.difference[plan.key][1]
    return next((other.difference[plan.key][0] for other in plan.arms if plan.key in other.difference), None)


def by_plan(found: Collected, split: str, allow: Mapping[str, str]) -> list[Draft]:
    """The latest plan of each experiment and kind; a plan of seeds alone adds nothing to the table of its data.

    Ablations that were typed, and are in no file, do not take the place of those that are declared.
    """
    alike: defaultdict[tuple[str, str, str, bool], list[Plan]] = defaultdict(list)
    for plan in found.plans:
        if plan.kind != "seeds":
            alike[(plan.conf, plan.kind, plan.key, is_declared(plan))].append(plan)
    runs = by_identity(found)
    return [newest(plan_name(plans[-1]), plans, split, runs, allow) for plans in alike.values()]


def plan_name(plan: Plan) -> str:
    """What the table of a plan is called: `baseline-ablations`, `baseline-lr`, `baseline-overrides` for typed ones."""
    what = {"sweep": plan.key, "ablations": "ablations" if is_declared(plan) else "overrides"}.get(plan.kind, plan.kind)
    return methods.slug(f"{plan.conf}-{what}")
