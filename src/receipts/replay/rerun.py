"""`receipts rerun KEY|RUN`: a printed number, made again by whoever doubts it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receipts.refusal import CHECK_FAILED, DONE, Refusal, nearest
from receipts.replay.replaying import Replayed, replay
from receipts.replay.verdict import Compared, Word, judged
from receipts.runs import choice, pulling, store
from receipts.runs import record as records
from receipts.runs.log import say
from receipts.runs.record import Record

NUMBERS = Path("report/numbers.json")
CAUSES = 15  # differences that are shown


@dataclass(frozen=True)
class Printed:
    """A table cell: its key, the value and text printed, the split and the runs that it is a mean of."""

    key: str
    value: float | None
    text: str
    split: str
    runs: list[str]


def rerun(wanted: str, env: str, keep: bool) -> int:
    """Make the run, or every run behind a table cell, again, and say what the printed number is worth."""
    cell = printed(wanted) if is_key(wanted) else None
    chosen = behind(cell) if cell else [choice.select(wanted)]
    if cell:
        say(f"{cell.key} = {cell.text}, from {len(chosen)} run{'s' if len(chosen) > 1 else ''}")
    done = []
    for record in chosen:
        say(f"replay of {record.run_id}")
        done.append(replay(record, env=env, keep=keep))
        for line in lines(done[-1]):
            say(line)
    words = [one.verdict for one in done]
    if cell and (again := mean(cell, done)) is not None:
        then, value, word = again
        say(f"{cell.key}  {then!r} printed, {value!r} again: {word}")
        words.append(word)
    return CHECK_FAILED if "differs" in words else DONE


def is_key(wanted: str) -> bool:
    """Whether this is the address of a printed number: `table.row.column`; a run id has no dot but that of its conf."""
    return "." in wanted and not store.folders(f"{wanted}*") and not wanted.startswith("latest")


def printed(key: str) -> Printed:
    """A number of the last report by its key."""
    facts = document()
    numbers, receipts = facts["numbers"], facts.get("receipts", {})
    if key not in numbers:
        raise Refusal(
            f"no printed number has the key {key}{nearest(key, list(numbers))}",
            f"{NUMBERS} has {len(numbers)} of them",
            "a key is TABLE.ROW.COLUMN; in the page, click the number",
        )
    try:
        number = numbers[key]
        receipt = receipts[number["receipt"]] if isinstance(number["receipt"], str) else number["receipt"]
        return Printed(key, number["value"], number["text"], receipt["split"], [str(run) for run in receipt["runs"]])
    except (LookupError, TypeError) as error:
        raise unreadable(f"the receipt of {key} is none: {error}") from error


def document() -> dict[str, Any]:
    """What the last report wrote; refused where there is none, or where it is not JSON."""
    try:
        facts: Any = json.loads(NUMBERS.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Refusal(f"{NUMBERS} is not there", "keys are those of the last report", "python report.py") from error
    except (ValueError, RecursionError) as error:
        raise unreadable(str(error)) from error
    if not (isinstance(facts, dict) and isinstance(facts.get("numbers"), dict)):
        raise unreadable("it holds no numbers")
    return dict(facts)


def unreadable(why: str) -> Refusal:
    """A report that somebody else wrote, or wrote to."""
    return Refusal(f"{NUMBERS} cannot be read", why, "python report.py")


def behind(cell: Printed) -> list[Record]:
    """The records of a cell's runs, made here or pulled: they hold the command and the numbers to compare with."""
    places = {run_id: pulling.folder_of(run_id) for run_id in cell.runs}
    if absent := [run_id for run_id, place in places.items() if place is None]:
        raise Refusal(
            f"{absent[0]} is not here" + (f", nor are {len(absent) - 1} others" if len(absent) > 1 else ""),
            f"{cell.key} was computed from {len(places)} runs",
            "python report.py source=mlflow pulls records from the server that the team shares",
        )
    return [records.read(place) for place in places.values() if place]


def mean(cell: Printed, done: list[Replayed]) -> tuple[float, float, Word] | None:
    """The printed mean over runs, and what the replays make of it; None for a key that is no mean (half, n, …)."""
    metric = cell.key.rpartition(".")[2]
    values = [value_of(one.again, cell.split, metric) for one in done]
    known = [value for value in values if value is not None]
    if cell.value is None or not known or len(known) < len(values):
        return None
    again = sum(known) / len(known)
    if [value_of(one.then, cell.split, metric) for one in done] == values:
        again = cell.value  # the same numbers, so the same mean, however it was summed
    first = done[0].then
    return cell.value, again, judged(cell.value, again, first.margin if metric == first.primary else None)


def value_of(record: Record, split: str, metric: str) -> float | None:
    """One number of a record."""
    score = record.score(split)
    return score.metrics[metric].value if score and metric in score.metrics else None


def lines(found: Replayed) -> list[str]:
    """A replay's outcome for people: the primary numbers, what moved, the verdict, and what else was not the same."""
    primary = found.then.primary
    shown = [one for one in found.numbers if one.metric == primary or one.verdict != "identical"]
    told = [f"  {one.split:<5} {one.metric} {number(one)}" for one in shown]
    margin = f" of {found.then.margin:g}" if found.verdict == "within the margin" and found.then.margin else ""
    counted = sum(one.verdict == "identical" for one in found.numbers)
    what = f"{counted} of {len(found.numbers)} numbers to the last digit; {', '.join(found.files)}"
    told.append(f"verdict  {found.verdict}{margin}: {what}")
    if found.causes and found.verdict != "identical":
        told += ["  not the same:", *(f"    {cause}" for cause in found.causes[:CAUSES])]
        told += [f"    … and {len(found.causes) - CAUSES} more"] if len(found.causes) > CAUSES else []
    elif found.causes:
        told.append(f"  {len(found.causes)} parts of the environment are not the same, and moved nothing")
    return told


def number(one: Compared) -> str:
    """A number, then and again."""
    then, again = ("undefined" if value is None else repr(value) for value in (one.then, one.again))
    return f"{then} printed, {again} again: {one.verdict}"
