"""From the runs of every row to the report: estimates, comparisons, numbers with their receipts, the ledger."""

from collections.abc import Mapping, Sequence

from receipts.report import contrast, methods, numerals, prompts, search, slices, tasks, training, wording
from receipts.report.collect import Collected, uncollected
from receipts.report.contrast import ALPHA, Terms
from receipts.report.draft import Chosen, Draft
from receipts.report.methods import Picked
from receipts.report.model import Column, Comparison, Entry, Estimate, Receipt, Report, Row, Sliced, Table
from receipts.report.rows import Sides, best, cell, column, first_metric, interval, receipt_of, side
from receipts.report.stored import Store
from receipts.runs import ledger as ledgers
from receipts.runs.process import state
from receipts.runs.record import Record

MANY_ROWS = 40  # beyond which predictions are not read for the error of the test sample


@uncollected()
def report(found: Collected, chosen: Chosen, marks: Mapping[str, Sequence[str]], rate: float | None = None) -> Report:
    """Everything that is printed, from the runs that were chosen."""
    store = Store(found.folder)
    alpha = ALPHA / chosen.selection.looks
    everyone = search.candidates(found)
    tables = [
        (tasks.table if draft.across else table)(draft, marks[draft.name], alpha, store, everyone)
        for draft in chosen.drafts
    ]
    numbers = {number.key: number for one in tables for number in one.numbers()}
    waiting = [f"table {name} is left out: {why}" for name, why in chosen.waiting.items()]
    waiting += [told for draft in chosen.drafts for told in passed_by(draft)]
    waiting += [row.note for draft in chosen.drafts for row in draft.rows if row.note]
    return Report(
        tables,
        ledger(found, chosen.drafts),
        found.plans,
        numbers,
        [*found.findings, *prompts.findings(), *waiting],
        len(ledgers.openings("test", found.records)),
        chosen.selection.figures,
        rate=rate,
        looks=chosen.selection.looks,
        folder=found.folder,
        lost=chosen.lost,
    )


def passed_by(draft: Draft) -> list[str]:
    """Plans that should be in a table's place, and why they are not; a look, whose runs are all limited, is no news."""
    return [
        f"table {draft.name} shows the plan {draft.plan.plan_id}, since nothing of {later.plan.plan_id} can be "
        f"reported: {later.lacking}"
        for later in draft.passed
        if draft.plan and later.plan and not all(run.limit for row in later.rows for run in row.failed)
    ]


def table(draft: Draft, marks: Sequence[str], alpha: float, store: Store, everyone: Sequence[Record] = ()) -> Table:
    """One table; `everyone` is every recorded run, since a search is told by the runs that are not in the table."""
    first = next(run for row in draft.rows for run in row.runs)
    columns = [column(name, draft) for name in draft.columns or [first.primary or first_metric(first, draft.split)]]
    primary = first.primary or columns[0].metric
    plan = draft.plan
    terms = Terms(draft.split, primary, first.margin, alpha, plan.folds if plan else None, draft.exploratory)
    sides = {one.metric: {row.name: side(row, one.metric, draft.split) for row in draft.rows} for one in columns}
    estimates = {name: {row: interval(one, columns_by(columns)[name], terms, store) for row, one in rows.items()}
                 for name, rows in sides.items()}  # fmt: skip
    comparisons = declared(draft, columns, sides, terms, store)
    bests = {one.metric: best(one, sides[one.metric], estimates[one.metric], terms, store) for one in columns}
    places = {name: numerals.of_column(rows.values()) for name, rows in estimates.items()}
    judged = {(one.row, one.column): one for one in comparisons}
    receipts = {row.name: receipt_of(draft, row) for row in draft.rows}
    rows = [made(draft, row, columns, sides, estimates, bests, places, judged, receipts[row.name])
            for row in draft.rows]  # fmt: skip
    dynamic = None
    if plan and plan.kind == "sweep" and draft.against:
        better = columns_by(columns).get(primary, columns[0]).better
        dynamic = training.of_arms(rows, draft.against, primary, better, first.margin, store.runs)
    notes = [*marks, *wording.notes(draft, rows, columns, comparisons, terms)]
    notes += training.notes(dynamic, rows) if dynamic else []
    notes += search.notes(draft, everyone)
    caption = wording.caption(draft, columns, first, terms)
    by_slice = [] if len(draft.rows) > MANY_ROWS else slices_of(draft, columns, sides, receipts, terms, store)
    return Table(
        draft.name, caption, draft.split, columns, rows, comparisons, primary, first.margin, plan, notes, draft.against,
        by_slice, dynamic,
    )  # fmt: skip


def columns_by(columns: Sequence[Column]) -> dict[str, Column]:
    """Columns by their metric."""
    return {one.metric: one for one in columns}


def slices_of(
    draft: Draft, columns: Sequence[Column], sides: Sides, receipts: Mapping[str, Receipt], terms: Terms, store: Store
) -> Sequence[Sliced]:
    """The slices of a table by its primary metric, or by the first column where that is not in it."""
    one = next((one for one in columns if one.metric == terms.primary), columns[0])
    found = slices.sliced(draft.name, one, sides[one.metric], draft.against, terms, store)
    return slices.numbered(draft.name, found, {row.name: row.label for row in draft.rows}, receipts)


def declared(draft: Draft, columns: Sequence[Column], sides: Sides, terms: Terms, store: Store) -> list[Comparison]:
    """Every row against the declared reference, in every column: one family."""
    if draft.against is None:
        return []
    few = len(draft.rows) <= MANY_ROWS
    found = [
        contrast.contrast(f"{draft.name}.{row.name}.{one.metric}", sides[one.metric][row.name],
                          sides[one.metric][draft.against], one, terms, store, sampled=few)
        for row in draft.rows if row.name != draft.against and row.runs
        for one in columns
    ]  # fmt: skip
    return contrast.family(found, terms)


def made(
    draft: Draft, row: Picked, columns: Sequence[Column], sides: Sides,
    estimates: Mapping[str, Mapping[str, Estimate]], bests: Mapping[str, Mapping[str, str]],
    places: Mapping[str, int], comparisons: Mapping[tuple[str, str], Comparison], receipt: Receipt,
) -> Row:  # fmt: skip
    """A row with its cells, numbers and marks."""
    cells = {}
    for one in columns:
        found = estimates[one.metric][row.name]
        key, judged = f"{draft.name}.{row.name}.{one.metric}", comparisons.get((row.name, one.metric))
        numbers = wording.numbers(key, found, judged, one, row.label, places[one.metric], receipt)
        cells[one.metric] = cell(found, numbers, bests[one.metric], row.name)
    deterministic = sides[columns[0].metric][row.name].deterministic
    return Row(
        row.name,
        row.label,
        row.runs,
        row.failed,
        cells,
        deterministic,
        row.missing,
        wording.of_row(row, sides, columns),
    )


def ledger(found: Collected, drafts: Sequence[Draft]) -> list[Entry]:
    """Every run folder, oldest first: in which tables it is, or why it is in none."""
    used: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for draft in drafts:
        for row in draft.rows:
            for run in row.runs:
                used.setdefault(run.run_id, []).append(f"{draft.name}.{row.name}")
            for run_id, reason in row.reasons.items():
                reasons.setdefault(run_id, reason)
    entries = [
        Entry(
            run.run_id,
            run,
            state(run),
            tuple(used.get(run.run_id, ())),
            "" if run.run_id in used else reasons.get(run.run_id) or unused(run),
        )
        for run in found.records
    ]
    broken = [
        Entry(name, None, "missing" if "folder is gone" in why else "unreadable", (), why)
        for name, why in found.broken.items()
    ]
    return [*entries, *broken]


def unused(run: Record) -> str:
    """Why a run that no row named is in no table."""
    split = run.scores[-1].split if run.scores else "val"
    return methods.obstacle(run, split) or "no table asks for it"
