"""Like with like: what a table may not mix, unless a reason is given that is then printed with it."""

from collections.abc import Callable, Mapping, Sequence

from receipts.refusal import Refusal, nearest
from receipts.report.draft import Draft
from receipts.report.methods import Picked, word
from receipts.runs.record import Record, Score

Fact = Callable[[Record, Score], object]

FACTS: dict[str, tuple[str, Fact, str]] = {  # word of allow= : what it is, where it stands, the cure
    "mixed-harness": ("evaluation harnesses", lambda run, score: score.harness[:12], "receipts rescore all"),
    "mixed-data": ("data checksums", lambda run, score: run.identity.data[:12], "run both on today's data"),
    "mixed-split": ("split manifests", lambda run, score: run.identity.split[:12], "run both on today's split"),
    "mixed-sizes": ("numbers of samples", lambda run, score: score.n, "score both on the whole split"),
    "mixed-presets": ("presets and limits", lambda run, score: preset(run), "run all in full: preset=full"),
    "mixed-tasks": (
        "primary metrics or margins",
        lambda run, score: f"{run.primary} ± {run.margin}",
        "one task a table",
    ),
}
BY_FOLD = ("mixed-split", "mixed-sizes")  # folds of one cross-validation differ in these by their nature
BUDGET = ("fit.epochs", "fit.max_minutes")
LOST = "lost-runs"
MARKS = {
    "dirty": "DIRTY",
    "synthetic": "SYNTHETIC",
    "tainted-parent": "TAINTED PARENT",
    "mixed-budget": "MIXED BUDGET",
    LOST: "LOST RUNS",
}
WORDS = (*FACTS, *MARKS)


def refuse_mixtures(drafts: Sequence[Draft], allow: Mapping[str, str]) -> dict[str, list[str]]:
    """Refuse a table that compares what cannot be compared; returns each table's marks, with the reasons given."""
    for allowed, reason in allow.items():
        if allowed not in WORDS:
            raise Refusal(
                f"allow names {allowed!r}{nearest(allowed, WORDS)}", f"known are {', '.join(WORDS)}", "correct it"
            )
        if not str(reason).strip():
            raise Refusal(f"allow={{{allowed}: …}} has no reason", "it is printed under the table", "give the reason")
    return {
        draft.name: [
            f"{mark}{where}"
            for where, part in like(draft)
            for mark in (*mixed(part, allow), *budgets(part, allow), *blocked(part, allow))
        ]
        + let_go(draft, allow)
        for draft in drafts
    }


def like(draft: Draft) -> list[tuple[str, Draft]]:
    """What must be alike throughout: a table, or each task of one over several, which differ by their nature."""
    if draft.across is None:
        return [("", draft)]
    return [(f", on task {name}", inner) for name, inner in draft.across.tasks.items()]


def mixed(draft: Draft, allow: Mapping[str, str]) -> list[str]:
    """Facts that must be one throughout a table."""
    marks, found = [], runs(draft)
    for name, (what, fact, cure) in FACTS.items():
        if name in BY_FOLD and any(row.folds for row in draft.rows):
            continue
        values = dict.fromkeys(fact(run, score) for _, run, score in found)
        if len(values) < 2:
            continue
        if name not in allow:
            groups = {value: [(row, run) for row, run, each in found if fact(run, each) == value] for value in values}
            named = "; ".join(f"{value}: {some(of)}" for value, of in groups.items())
            raise Refusal(
                f"table {draft.name} would mix {len(values)} {what}",
                named,
                f"{cure}      (or 'allow={{{name}: REASON}}')",
            )
        marks.append(f"{name.upper().replace('-', ' ')}: {allow[name]} ({len(values)} {what})")
    return marks


def some(of: Sequence[tuple[Picked, Record]]) -> str:
    """The first few runs with their rows."""
    return ", ".join(f"{row.name} {run.run_id}" for row, run in of[:3]) + more(of, 3)


def budgets(draft: Draft, allow: Mapping[str, str]) -> list[str]:
    """Between the arms of one plan, a budget may differ only where it is the one thing that does."""
    if draft.plan is None:
        return []
    for arm in draft.plan.arms:
        changed = [key for key in arm.difference if key not in arm.follows]
        extra = [key for key in changed if key in BUDGET and key != draft.plan.key]
        if not extra or len(changed) == len(extra):
            continue
        if "mixed-budget" not in allow:
            ids = [run.run_id for row, run, _ in runs(draft) if row.label.split(" (")[0] == arm.name]
            raise Refusal(
                f"table {draft.name} would compare arms of different budgets",
                f"arm {arm.name} changes {', '.join(extra)} besides {', '.join(set(changed) - set(extra))}: "
                f"{', '.join(ids[:3]) or 'no runs yet'}",
                "give all arms one budget      (or 'allow={mixed-budget: REASON}')",
            )
        return [f"{MARKS['mixed-budget']}: {allow['mixed-budget']} ({arm.name})"]
    return []


def blocked(draft: Draft, allow: Mapping[str, str]) -> list[str]:
    """What was let in by name, and data that are not real, which every table says in capitals."""
    kinds = sorted({run.word for _, run, _ in runs(draft) if run.word})
    marks = [f"{kind}: the data were not collected but made" for kind in kinds]
    for name in ("dirty", "tainted-parent", "synthetic"):
        if name in allow and (ids := let_in(draft, name)):
            marks.append(f"{MARKS[name]}: {allow[name]} ({', '.join(ids[:3])}{more(ids, 3)})")
    return marks


def let_go(draft: Draft, allow: Mapping[str, str]) -> list[str]:
    """Runs that were in a table, are gone, and are done without by name."""
    if not draft.lost:
        return []
    return [f"{MARKS[LOST]}: {allow[LOST]} ({', '.join(draft.lost[:3])}{more(draft.lost, 3)})"]


def let_in(draft: Draft, name: str) -> list[str]:
    """The runs of a table that only a word of `allow=` lets in."""
    return [run.run_id for _, run, _ in runs(draft) if any(word(text) == name for text in run.blocked_by)]


def runs(draft: Draft) -> list[tuple[Picked, Record, Score]]:
    """Every run of a table with its row and its score."""
    return [(row, run, score) for row in draft.rows for run in row.runs if (score := run.score(draft.split))]


def preset(run: Record) -> str:
    """A run's presets and limits in words."""
    limits = [f"{name} {cap}" for name, cap in run.limit.items()]
    return " ".join(["+".join(run.preset) or "full", *([f"(limit {', '.join(limits)})"] if limits else [])])


def devices(row: Picked) -> list[str]:
    """The mark of a row whose runs were computed on different kinds of device."""
    kinds = sorted({run.world.device for run in row.runs})
    return [f"MIXED DEVICES: {', '.join(kinds)}"] if len(kinds) > 1 else []


def more(names: Sequence[object], shown: int) -> str:
    """How many names were not shown."""
    return f" and {len(names) - shown} more" if len(names) > shown else ""
