"""What a report says in words: captions, notes, what a number means, how its runs were chosen."""

import shlex
from collections.abc import Mapping, Sequence

from receipts.report import lock, numerals
from receipts.report.comparing import smallest_detectable
from receipts.report.contrast import Side, Terms
from receipts.report.draft import Draft
from receipts.report.figures.caption import listed
from receipts.report.intervals import LEAST
from receipts.report.methods import Picked, dataset
from receipts.report.model import Column, Comparison, Estimate, Number, Receipt, Row
from receipts.runs.figures import decimals
from receipts.runs.record import Record
from receipts.runs.views import counted

UNITS = {
    "in nats": "nats",
    "in the target's unit": "target's unit",
    "in its unit": "target's unit",
    "of steps": "steps",
}
MARKS = "Bold: the best and all not shown worse; * worse than the best, ≈ equivalent, ? inconclusive (Holm over rows)."


def unit(definition: str) -> str:
    """The unit that a metric's definition states; nothing for a share or a coefficient."""
    return next((short for words, short in UNITS.items() if words in definition), "")


def caption(draft: Draft, columns: Sequence[Column], first: Record, terms: Terms) -> str:
    """What the table shows: what was asked, data and split, what varied, which spread stands after ±."""
    score = first.score(draft.split)
    data = f"{dataset(first)} {first.data.version}".strip()
    count = f", {score.n} samples" if score and not terms.folds else ""
    varied = "Initialisation and order of the data vary with the seed, data and split do not"
    if terms.folds:
        seeds = len({run.seed for row in draft.rows for run in row.runs})
        each = f", each the mean over {seeds} seeds" if seeds > 1 else ""
        varied = f"Folds of one {terms.folds}-fold cross-validation vary{each}"
    elif all(run.deterministic for row in draft.rows for run in row.runs):
        varied = "No method here has randomness, so nothing varies"
    spread = "mean ± half-width of the 95 % interval (Student t over seeds)"
    if terms.folds:
        spread = "mean ± half-width of the 95 % interval over folds (Nadeau and Bengio)"
    parts = [
        draft.caption.strip() or default(draft),
        f"{data}, {draft.split} split{count}; {spread}. {varied}.",
        shared(draft),
        MARKS if len(draft.rows) > 1 else "",
    ]
    return " ".join(part for part in parts if part)


def default(draft: Draft) -> str:
    """What a table is called that nobody gave a caption."""
    if draft.plan is None:
        return "All methods on one question."
    if draft.plan.kind == "comparison":
        return f"{listed(row.label for row in draft.rows)} side by side."
    what = {"ablations": "Ablations of", "folds": "A cross-validation of"}
    return f"{what.get(draft.plan.kind, f'What {draft.plan.key} changes in')} {draft.plan.conf}."


def shared(draft: Draft) -> str:
    """What the arms of a plan have in common."""
    if draft.plan is None or not draft.plan.shared:
        return ""
    return f"All arms share {', '.join(f'{key} {value}' for key, value in draft.plan.shared.items())}."


def notes(
    draft: Draft, rows: Sequence[Row], columns: Sequence[Column], comparisons: Sequence[Comparison], terms: Terms
) -> list[str]:
    """What stands under a table: points too few for an interval, other intervals, the family, what could be found."""
    found = [f"{row.label}: {note}" for row in rows for note in row.notes]
    for row in rows:
        for one in columns:
            found += points(row, one)
    found += [compared_in_words(one, terms) for one in comparisons if one.column == headline(columns, terms)]
    tests = sum(one.p is not None for one in comparisons)
    if comparisons and not tests:
        word = " (exploratory)" if terms.exploratory else ""
        found.append(f"Nothing could be tested against {comparisons[0].labels[1]}{word}.")
    if tests:
        family = "Benjamini–Hochberg, exploratory" if terms.exploratory else "Holm"
        found.append(
            f"Verdicts are against {comparisons[0].labels[1]}: one family of {counted(tests, 'test')}, {family}, "
            f"α = {terms.alpha:g}."
        )
    if pairs := sorted({one.n for one in comparisons if one.test.startswith(("paired t", "one-sample")) and one.n > 2}):
        sizes = [f"{smallest_detectable(n, terms.alpha):.2f} for n={n}" for n in pairs if n < 100]
        if sizes:
            found.append(f"Smallest d_z detectable at 80 % power: {', '.join(sizes)}.")
    if terms.alpha != 0.05:
        found.append(f"α is 0.05 divided by {0.05 / terms.alpha:g} declared looks.")
    return found


def headline(columns: Sequence[Column], terms: Terms) -> str:
    """The metric that verdicts are told of: the primary one, or the first column."""
    metrics = [one.metric for one in columns]
    return terms.primary if terms.primary in metrics else metrics[0]


def compared_in_words(one: Comparison, terms: Terms) -> str:
    """A comparison with both sources of error apart, and why its verdict is what it is."""
    row, against = one.labels
    if one.delta is None or one.low is None or one.high is None:
        return f"{row} against {against}: {one.verdict}, {one.reason or 'nothing to compare'}."
    places = of_difference(one.low, one.high)
    level = f"{100 * (1 - terms.alpha):.4g} %"
    over = "samples" if "samples" in one.test or "entities" in one.test else "folds" if terms.folds else "seeds"
    spans = f"{numerals.fixed(one.low, places)} to {numerals.fixed(one.high, places)} over {over}"
    if one.sample_low is not None and one.sample_high is not None:
        both = f"{numerals.fixed(one.sample_low, places)} to {numerals.fixed(one.sample_high, places)}"
        spans += f", {both} over seeds and test sample"
    delta = numerals.fixed(one.delta, places)
    sizes = [f"d_z {one.d_z:.2f}"] if one.d_z is not None and over == "seeds" else []
    sizes += [f"probability of improvement {one.improvement:.2f}"] if one.improvement is not None and sizes else []
    sizes += [f"sign-flip p {one.sign_flip_p:.2g}"] if one.sign_flip_p is not None else []
    expected = [one.surprise] if one.expected else []
    rest = "; ".join([one.reason, *sizes, *expected])
    return f"{row} against {against}: {one.verdict}, {one.column} Δ = {delta}, {level} interval {spans}; {rest}."


def points(row: Row, one: Column) -> list[str]:
    """Every point of a row with fewer than five, and a bootstrap interval beside t."""
    found = row.cells[one.metric].estimate
    if found.bca is not None:
        low, high = (numerals.fixed(end, 4) for end in found.bca)
        return [f"{row.label} {one.metric} is skewed: BCa bootstrap 95 % interval {low} to {high}."]
    if 1 < len(found.points) < LEAST and found.low is None and not found.deterministic:
        told = ", ".join(f"{value:.4f}" for value in found.points.values())
        return [f"{row.label} {one.metric}: {told} (n={len(found.points)})."]
    return []


def of_row(row: Picked, sides: Mapping[str, Mapping[str, Side]], columns: Sequence[Column]) -> list[str]:
    """What is marked at a row's name."""
    found = lock.devices(row)
    for one in columns:
        side = sides[one.metric][row.name]
        if lacking := [run.run_id for number, run in side.runs.items() if number not in side.points]:
            found.append(f"{one.metric} is missing or undefined in {', '.join(lacking[:3])}{lock.more(lacking, 3)}")
    if row.superseded:
        verb = "is" if row.superseded == 1 else "are"
        found.append(f"{counted(row.superseded, 'older run')} {verb} superseded (see the ledger)")
    return [*found, *([row.note] if row.note else [])]


def numbers(
    key: str, found: Estimate, judged: Comparison | None, one: Column, of: str, places: int, receipt: Receipt
) -> dict[str, Number]:
    """Numbers of a method `of` by kind: the mean under the empty one; half, low, high, n; those of its comparison."""
    if found.mean is None:
        return {}
    named = f"{one.metric} of {of} on {receipt.split}"
    kinds: dict[str, tuple[float | None, str, str]] = {
        "": (found.mean, numerals.fixed(found.mean, places), f"{named}: {mean_of(found)}"),
    }
    if found.points:
        kinds["n"] = (float(len(found.points)), str(len(found.points)), f"runs behind {named}")
    ends = {"half": numerals.half_width(found), "low": found.low, "high": found.high}
    what = {"half": "half the width", "low": "lower end", "high": "upper end"}
    for kind, end in ends.items():
        if end is not None:
            kinds[kind] = (end, numerals.fixed(end, places), f"{what[kind]} of the interval of {named}: {found.how}")
    kinds |= compared(judged, named, places) if judged else {}
    return {
        kind: Number(f"{key}.{kind}" if kind else key, value, text, meaning, receipt)
        for kind, (value, text, meaning) in kinds.items()
    }


def of_difference(low: float, high: float) -> int:
    """The decimals of a difference, by its own interval."""
    return min(numerals.MOST, decimals((high - low) / 2)) if high > low else numerals.PLAIN


def compared(judged: Comparison, named: str, places: int) -> dict[str, tuple[float | None, str, str]]:
    """The numbers of a comparison, by kind: value, text, meaning."""
    beside = f"{named} against {judged.labels[1]}"
    kinds: dict[str, tuple[float | None, str, str]] = {"verdict": (None, judged.verdict, f"{beside}: {judged.reason}")}
    if judged.low is not None and judged.high is not None:  # a paired difference is known better than either mean
        places = of_difference(judged.low, judged.high)
    ends = {"delta": judged.delta, "delta_low": judged.low, "delta_high": judged.high}
    what = {"delta": "difference", "delta_low": "its lower end", "delta_high": "its upper end"}
    for kind, end in ends.items():
        if end is not None:
            kinds[kind] = (end, numerals.fixed(end, places), f"{what[kind]}, {beside}")
    if judged.p_holm is not None:
        kinds["p"] = (judged.p_holm, numerals.probability(judged.p_holm), f"corrected p, {beside}: {judged.test}")
    return kinds


def mean_of(found: Estimate) -> str:
    """What a printed mean is a mean of."""
    if found.deterministic:
        return found.how
    return f"mean of {len(found.points)}, {found.how}" if len(found.points) > 1 else found.how


def command(draft: Draft, row: Picked) -> str:
    """What makes a row's numbers again, on their split."""
    if draft.plan is not None:
        made = draft.plan.command
        opens = draft.split == "test" and draft.plan.folds is None and "test=true" not in made.split()
        return f"{made} test=true" if opens else made
    return " && ".join(dict.fromkeys(again(run, draft.split) for run in row.runs))


def again(run: Record, split: str) -> str:
    """What makes one run again and scores it; training scores val alone, and a job of `-m` is typed by itself."""
    is_job = {"-m", "--multirun"} & set(run.command.split())
    made = shlex.join(["python", "train.py", f"conf={run.conf}", *run.overrides]) if is_job else run.command
    opened = {"val": "", "test": " && python eval.py run_id=latest"}
    return made + opened.get(split, f" && python eval.py run_id=latest split={split}")


def query(draft: Draft, row: Picked) -> str:
    """How the runs of a row were chosen, in words."""
    if draft.plan is not None:
        return f"cells of plan {draft.plan.plan_id}, arm {row.name}, completed and scored on {draft.split}"
    return (
        f"completed, reportable runs of {row.label} scored on {draft.split}; newest config, code, lock, data and split"
    )
