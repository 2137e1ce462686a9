"""The tables of a project without report.yaml: one for each question that its runs answer, and each latest plan."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from receipts.report import arms, methods
from receipts.report.collect import Collected
from receipts.report.draft import Draft
from receipts.report.methods import Picked
from receipts.runs.record import Record


def drafts(found: Collected, split: str, allow: Mapping[str, str]) -> list[Draft]:
    """One table per (data, split, harness) over completed clean full runs, then every experiment's latest plans."""
    return [*by_data(found, split, allow), *arms.by_plan(found, split, allow)]


def by_data(found: Collected, split: str, allow: Mapping[str, str]) -> list[Draft]:
    """What answers one question stands in one table; on val where a dataset has no score on the split at all."""
    groups: defaultdict[tuple[str, ...], list[Record]] = defaultdict(list)
    kept_out = {record.run_id: methods.obstacle(record, split, allow) for record in found.records}
    tested = {record.data.manifest for record in found.records if not kept_out[record.run_id]}
    for record in reversed(found.records):  # newest first, so that today's harness has the plain name
        where = split if record.data.manifest in tested else "val"
        why = kept_out[record.run_id] if where == split else methods.obstacle(record, where, allow)
        if why or is_fold(record):
            continue
        score = record.score(where)
        assert score is not None
        groups[(record.data.name, where, record.identity.data, record.identity.split, score.harness)].append(record)
    made: list[Draft] = []
    known = methods.labelled(found.records)
    for (stem, where, data, manifest, harness), members in groups.items():
        name = methods.slug(stem if where == split else f"{stem}-{where}")
        taken = sum(re.fullmatch(rf"{re.escape(name)}(-\d+)?", draft.name) is not None for draft in made)
        rows = []
        for label in sorted({methods.label(record) for record in members}):
            same = [r for r in known[label] if (r.identity.data, r.identity.split) == (data, manifest)]
            other = {r.run_id for r in same if (s := r.score(where)) is not None and s.harness != harness}
            kept = [r for r in same if r.run_id not in other]
            rows.append(methods.pick(methods.slug(methods.shown(label)), methods.shown(label), kept, where, allow))
        rows = unique(sorted(rows, key=rank))
        full = name if not taken else f"{name}-{taken + 1}"
        searched = any(" " in row.label for row in rows)
        made.append(Draft(full, "", where, tuple(rows), (), reference(rows), exploratory=searched))
    return made


def is_fold(record: Record) -> bool:
    """Whether a run is one fold of a cross-validation, which is no row by itself."""
    return methods.dataset(record) != record.data.name


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
