"""From what report.yaml asks for to the runs behind every row; without the file, what is sensible."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from receipts.config import compose
from receipts.config.files import files
from receipts.config.reporting import PATH, PlanOf, Selection, TableAsked, wrong
from receipts.provenance.identity import method_hash
from receipts.refusal import Refusal, nearest
from receipts.report import arms, lock, lost, methods, sensible
from receipts.report.collect import Collected
from receipts.report.draft import Across, Chosen, Draft
from receipts.report.methods import Label, Picked
from receipts.runs.record import Record

Known = Mapping[Label, Sequence[Record]]


def select(found: Collected, selection: Selection, allow: Mapping[str, str]) -> Chosen:
    """The runs of every table; refused where there is not a single number to print."""
    if not found.records:
        held = f"; {len(found.broken)} folders hold no readable record" if found.broken else ""
        raise Refusal("there are no runs to report", f"runs/ holds no record{held}", "python train.py")
    made = declared(found, selection, allow) if selection.tables else sensible.drafts(found, selection.split, allow)
    drafts = [draft for draft in made if draft.is_filled]
    waiting = {draft.name: waits(draft) for draft in made if draft not in drafts}
    if not drafts:
        told = "; ".join(f"{name}: {why}" for name, why in waiting.items())
        raise Refusal(
            "no run can be reported",
            told or "; ".join(obstacles(found.records, allow)),
            "python train.py && python eval.py run_id=latest      (receipts ls says why a run is not reportable)",
        )
    missed = lost.gone(found, drafts)
    if lock.LOST in allow:
        return Chosen(lost.marked(drafts, found, missed), waiting, selection)
    return Chosen(drafts, waiting, selection, missed)


def obstacles(records: Sequence[Record], allow: Mapping[str, str]) -> list[str]:
    """The commonest reasons why runs cannot be reported."""
    reasons = Counter(methods.obstacle(record, "val", allow) for record in records)
    return [f"{count} of {len(records)}: {reason}" for reason, count in reasons.most_common(3)]


def waits(draft: Draft) -> str:
    """What a table without a number waits for."""
    return "; ".join(row.note for row in draft.rows if row.note) or draft.lacking


def declared(found: Collected, selection: Selection, allow: Mapping[str, str]) -> list[Draft]:
    """The tables of report.yaml, in its order."""
    known = methods.labelled(found.records)
    drafts = []
    for name, asked in selection.tables.items():
        split = asked.split or selection.split
        if isinstance(asked.rows, PlanOf):
            drafts.append(arms.of_latest(name, asked, asked.rows, split, found, allow))
            continue
        if asked.tasks:
            drafts.append(across(name, asked, split, known, allow))
            continue
        rows = tuple(listed(name, text, split, known, allow) for text in asked.rows)
        against = methods.slug(asked.against) if asked.against else None
        drafts.append(Draft(name, asked.caption, split, rows, tuple(asked.columns), against))
    return drafts


def listed(table: str, text: str, split: str, known: Known, allow: Mapping[str, str]) -> Picked:
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


def across(name: str, asked: TableAsked, split: str, known: Known, allow: Mapping[str, str]) -> Draft:
    """Methods over several tasks: a draft for each task, a row's runs those of all tasks; it waits for the last one."""
    tasks = {
        task: Draft(f"{name}.{task}", "", split, tuple(listed(name, text, split, known, allow) for text in texts))
        for task, texts in asked.tasks.items()
    }
    columns = [[draft.rows[at] for draft in tasks.values()] for at in range(len(asked.methods))]
    rows = tuple(joined(method, parts) for method, parts in zip(asked.methods, columns, strict=True))
    if lacking := [row.note for draft in tasks.values() for row in draft.rows if not row.runs]:
        rows = (Picked("none", name, note="; ".join(dict.fromkeys(lacking))),)
    against = methods.slug(asked.against) if asked.against else None
    over = Across(tasks, {task: (low, high) for task, (low, high) in asked.ends.items()}, asked.margin)
    return Draft(name, asked.caption, split, rows, (), against, across=over)


def joined(method: str, parts: Sequence[Picked]) -> Picked:
    """One method's runs on all tasks."""
    return Picked(
        methods.slug(method),
        method,
        tuple(run for part in parts for run in part.runs),
        tuple(run for part in parts for run in part.failed),
        reasons={run_id: why for part in parts for run_id, why in part.reasons.items()},
    )


def aliased(conf: str, known: Known) -> list[Record]:
    """Runs made under another experiment's name whose values are those that this experiment's file states."""
    others = [r for (name, _), runs in known.items() if name != conf for r in runs if conf in r.names]
    if not others or conf not in files("conf"):
        return []
    today = method_hash(compose.compose(f"conf={conf}").values)
    return [record for record in others if record.method == today]
