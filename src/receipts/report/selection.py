"""From what report.yaml asks for to the runs behind every row; without the file, what is sensible."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from receipts.config import compose
from receipts.config.files import files
from receipts.config.reporting import PATH, PlanOf, Selection, TableAsked, wrong
from receipts.provenance.identity import method_hash
from receipts.refusal import Refusal, nearest
from receipts.report import methods
from receipts.report.collect import Collected
from receipts.report.methods import Label, Picked
from receipts.runs.plans import Arm, Plan
from receipts.runs.record import Record

COMMANDS = {  # what makes a plan of each kind
    "ablations": "python ablate.py conf={conf}",
    "sweep": "python ablate.py conf={conf} 'sweep={key}=[…]'",
    "comparison": "python ablate.py conf={conf},ANOTHER",
    "folds": "python ablate.py conf={conf} folds=5",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A table before its numbers. No `columns` means the primary metric.

    `exploratory` says that nobody declared beforehand what would be compared.
    """

    name: str
    caption: str
    split: str
    rows: tuple[Picked, ...]
    columns: tuple[str, ...] = ()
    against: str | None = None
    plan: Plan | None = None
    exploratory: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """All tables, and tables that were asked for and have nothing to show yet, with what they wait for."""

    drafts: Sequence[Draft]
    waiting: Mapping[str, str]
    selection: Selection


def select(found: Collected, selection: Selection, allow: Mapping[str, str]) -> Chosen:
    """The runs of every table; refused where there is not a single number to print."""
    if not found.records:
        held = f"; {len(found.broken)} folders hold no readable record" if found.broken else ""
        raise Refusal("there are no runs to report", f"runs/ holds no record{held}", "python train.py")
    made = declared(found, selection, allow) if selection.tables else sensible(found, selection, allow)
    drafts = [draft for draft in made if any(row.runs for row in draft.rows)]
    waiting = {draft.name: waits(draft) for draft in made if draft not in drafts}
    if not drafts:
        told = "; ".join(f"{name}: {why}" for name, why in waiting.items())
        raise Refusal(
            "no run can be reported",
            told or "; ".join(obstacles(found.records, allow)),
            "python train.py && python eval.py run_id=latest      (receipts ls says why a run is not reportable)",
        )
    return Chosen(drafts, waiting, selection)


def obstacles(records: Sequence[Record], allow: Mapping[str, str]) -> list[str]:
    """The commonest reasons why runs cannot be reported."""
    reasons = Counter(methods.obstacle(record, "val", allow) for record in records)
    return [f"{count} of {len(records)}: {reason}" for reason, count in reasons.most_common(3)]


def waits(draft: Draft) -> str:
    """What a table without a number waits for."""
    return "; ".join(row.note for row in draft.rows if row.note) or f"none of its runs is scored on {draft.split}"


def declared(found: Collected, selection: Selection, allow: Mapping[str, str]) -> list[Draft]:
    """The tables of report.yaml, in its order."""
    known = labelled(found.records)
    drafts = []
    for name, asked in selection.tables.items():
        split = asked.split or selection.split
        if isinstance(asked.rows, PlanOf):
            drafts.append(of_latest(name, asked, asked.rows, split, found, allow))
            continue
        rows = tuple(listed(name, text, split, known, allow) for text in asked.rows)
        against = methods.slug(asked.against) if asked.against else None
        drafts.append(Draft(name, asked.caption, split, rows, tuple(asked.columns), against))
    return drafts


def labelled(records: Sequence[Record]) -> dict[Label, list[Record]]:
    """All records by what their method is called."""
    found: defaultdict[Label, list[Record]] = defaultdict(list)
    for record in records:
        found[methods.label(record)].append(record)
    return found


def listed(table: str, text: str, split: str, known: Mapping[Label, list[Record]], allow: Mapping[str, str]) -> Picked:
    """A row as report.yaml names it: an experiment, and words that differ from its file."""
    conf, *words = text.split()
    conf = conf.removesuffix(".yaml")
    if seeds := [word for word in words if word.startswith("seed=")]:
        raise wrong(
            f"tables.{table} picks {seeds[0]} of {conf}",
            "a row is all seeds of a method; the best of several is no estimate of what the next one gives",
            f"write {' '.join([conf, *(word for word in words if word not in seeds)])}",
        )
    wanted = (conf, tuple(sorted(words)))
    records = known.get(wanted, []) if words else [*known.get(wanted, []), *aliased(conf, known)]
    if not records and conf not in files("conf"):
        names = sorted({name for name, _ in known} | set(files("conf")))
        raise wrong(
            f"tables.{table} names {conf!r}, and there is no such experiment or run{nearest(conf, names)}",
            f"known are {', '.join(names)}",
            "correct the name",
        )
    picked = methods.pick(methods.slug(text), text, sorted(records, key=lambda r: r.run_id), split, allow)
    methods.refuse_blocked(f"{PATH}: tables.{table}", picked, split)
    if not picked.runs:
        words = [f"conf={conf}", *words]
        done = any(run.status == "completed" for run in picked.failed)
        cure = f"python eval.py run_id=latest:{conf}" if done else f"python train.py {' '.join(words)}"
        picked = replace(picked, note=f"{text} has no run that is scored on {split} yet: {cure}")
    return picked


def aliased(conf: str, known: Mapping[Label, list[Record]]) -> list[Record]:
    """Runs made under another experiment's name whose values are those that this experiment's file states."""
    others = [r for (name, _), runs in known.items() if name != conf for r in runs if conf in r.names]
    if not others or conf not in files("conf"):
        return []
    today = method_hash(compose.compose(f"conf={conf}").values)
    return [record for record in others if record.method == today]


def of_latest(
    name: str, asked: TableAsked, wanted: PlanOf, split: str, found: Collected, allow: Mapping[str, str]
) -> Draft:
    """The table of an experiment's latest plan of one kind; what its file declares comes before what was typed."""
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
    return of_plan(name, max(plans, key=lambda plan: (is_declared(plan), plan.plan_id)), split, found, allow, asked)


def is_declared(plan: Plan) -> bool:
    """Whether a plan's arms stand in the experiment's file."""
    return plan.kind == "ablations" and not plan.exploratory


def of_plan(
    name: str, plan: Plan, split: str, found: Collected, allow: Mapping[str, str], asked: TableAsked | None = None
) -> Draft:
    """A plan as a table, its first arm the reference; on val where no cell was ever scored on the split asked for."""
    by_identity: defaultdict[str, list[Record]] = defaultdict(list)
    wanted = {cell.identity for cell in plan.cells}
    for record in found.records:
        if record.identity.id in wanted:
            by_identity[record.identity.id].append(record)
    scored = any(run.score(split) for runs in by_identity.values() for run in runs)
    if not scored and not (asked and asked.split):
        split = "val"
    rows = tuple(of_arm(plan, arm, by_identity, split, allow) for arm in ordered(plan))
    caption = asked.caption if asked else ""
    columns = tuple(asked.columns) if asked else ()
    reference = methods.slug(plan.arms[0].name) if len(rows) > 1 else None
    return Draft(name, caption, split, rows, columns, reference, plan, plan.exploratory)


def of_arm(
    plan: Plan, arm: Arm, by_identity: Mapping[str, list[Record]], split: str, allow: Mapping[str, str]
) -> Picked:
    """One arm as a row: the runs of its cells, whoever started them."""
    cells = [cell for cell in plan.cells if cell.arm == arm.name]
    records = [record for cell in cells for record in by_identity.get(cell.identity, [])]
    why = {record.run_id: methods.obstacle(record, split, allow) for record in records}
    missing = sum(not by_identity.get(cell.identity) for cell in cells)
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


def sensible(found: Collected, selection: Selection, allow: Mapping[str, str]) -> list[Draft]:
    """One table per (data, split, harness) over completed clean full runs, then every experiment's latest plans."""
    return [*by_data(found, selection.split, allow), *by_plan(found, selection.split, allow)]


def by_data(found: Collected, split: str, allow: Mapping[str, str]) -> list[Draft]:
    """What answers one question stands in one table; on val where a dataset has no score on the split at all."""
    groups: defaultdict[tuple[str, ...], list[Record]] = defaultdict(list)
    tested = {r.data.manifest for r in found.records if not methods.obstacle(r, split, allow)}
    for record in reversed(found.records):  # newest first, so that today's harness has the plain name
        where = split if record.data.manifest in tested else "val"
        if methods.obstacle(record, where, allow) or is_fold(record):
            continue
        score = record.score(where)
        assert score is not None
        stem = Path(record.data.manifest).stem
        groups[(stem, where, record.identity.data, record.identity.split, score.harness)].append(record)
    drafts: list[Draft] = []
    known = labelled(found.records)
    for (stem, where, data, manifest, harness), members in groups.items():
        name = methods.slug(stem if where == split else f"{stem}-{where}")
        taken = sum(re.fullmatch(rf"{re.escape(name)}(-\d+)?", draft.name) is not None for draft in drafts)
        rows = []
        for label in sorted({methods.label(record) for record in members}):
            same = [r for r in known[label] if (r.identity.data, r.identity.split) == (data, manifest)]
            other = {r.run_id for r in same if (s := r.score(where)) is not None and s.harness != harness}
            kept = [r for r in same if r.run_id not in other]
            rows.append(methods.pick(methods.slug(methods.shown(label)), methods.shown(label), kept, where, allow))
        rows = unique(sorted(rows, key=rank))
        full = name if not taken else f"{name}-{taken + 1}"
        searched = any(" " in row.label for row in rows)
        drafts.append(Draft(full, "", where, tuple(rows), (), reference(rows), exploratory=searched))
    return drafts


def is_fold(record: Record) -> bool:
    """Whether a run is one fold of a cross-validation, which is no row by itself."""
    return re.search(r"-fold\d+$", Path(record.data.manifest).stem) is not None


def rank(row: Picked) -> tuple[int, str]:
    """Baselines first, then by name."""
    order = {"floor": 0, "linear": 1}
    return order.get(row.runs[-1].rung or "", 2) if row.runs else 2, row.label


def reference(rows: Sequence[Picked]) -> str | None:
    """What a table without a declared baseline is compared with: its linear baseline, else its floor."""
    for rung in ("linear", "floor"):
        for row in rows:
            if row.runs and row.runs[-1].rung == rung:
                return row.name
    return None


def unique(rows: Sequence[Picked]) -> list[Picked]:
    """Rows whose names differ, so that keys do."""
    seen: dict[str, int] = {}
    named = []
    for row in rows:
        seen[row.name] = seen.get(row.name, 0) + 1
        named.append(row if seen[row.name] == 1 else replace(row, name=f"{row.name}-{seen[row.name]}"))
    return named


def by_plan(found: Collected, split: str, allow: Mapping[str, str]) -> list[Draft]:
    """The latest plan of each experiment and kind; a plan of seeds alone adds nothing to the table of its data.

    Ablations that were typed, and are in no file, do not take the place of those that are declared.
    """
    latest = {(p.conf, p.kind, p.key, is_declared(p)): p for p in found.plans if p.kind != "seeds"}
    names = {key: plan_name(plan) for key, plan in latest.items()}
    return [of_plan(names[key], plan, split, found, allow) for key, plan in latest.items()]


def plan_name(plan: Plan) -> str:
    """What the table of a plan is called: `baseline-ablations`, `baseline-lr`, `baseline-overrides` for typed ones."""
    what = {"sweep": plan.key, "ablations": "ablations" if is_declared(plan) else "overrides"}.get(plan.kind, plan.kind)
    return methods.slug(f"{plan.conf}-{what}")
