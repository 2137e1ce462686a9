"""Single samples worth a look: the most confident mistakes and the least confident right answers of a method.

How they are chosen is a rule, printed beside them, so that nobody picks the pretty ones. A person's remark about a
sample stands in `notes/examples.csv` (`data,sample,note`) and is only ever read.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.refusal import Refusal
from receipts.report.figures.evidence import pictures, predictions, readable
from receipts.report.model import Row
from receipts.runs.record import Record

if TYPE_CHECKING:
    from receipts.evaluation.predictions import Predictions

NOTES = Path("notes/examples.csv")
COLUMNS = ["data", "sample", "note"]


@dataclass(frozen=True, slots=True)
class Example:
    """One sample over all seeds of a method.

    `given` is what most seeds answered; `confidence` the mean probability of the answers that are counted: the wrong
    ones of a mistake, all of a right answer. For values, `confidence` is None and `error` the mean absolute error.
    """

    sample: str
    group: str
    target: str
    given: str
    seeds: int
    wrong: int
    confidence: float | None
    error: float | None
    note: str
    image: Any = None

    @property
    def is_mistake(self) -> bool:
        """Whether at least one seed was wrong."""
        return self.wrong > 0


def examples(row: Row, split: str, runs: Path) -> list[Example]:
    """Every sample of a method whose predictions are here, in the order of the split."""
    pairs = [
        (record, found)
        for record in readable(row)
        if (found := predictions(record, split, runs)) and found.targets is not None
    ]
    if not pairs or any(found.ids != pairs[0][1].ids for _, found in pairs):
        return []
    images: dict[str, Any] = {}
    for record, _ in reversed(pairs):
        images |= pictures(record, split, runs)
    written = notes(pairs[0][0])
    stated = [found for _, found in pairs]
    if stated[0].probabilities is None:
        return valued(stated, images, written)
    return classified(stated, images, written)


def classified(stated: "Sequence[Predictions]", images: dict[str, Any], written: dict[str, str]) -> list[Example]:
    """Samples of a task with classes."""
    import numpy as np

    first = stated[0]
    assert first.targets is not None
    given = np.stack([one.prediction for one in stated])  # (seeds, N)
    sure = np.stack([one.stated.max(axis=1) for one in stated]).astype(np.float64)
    wrong = given != first.targets
    counted = np.where(wrong.any(axis=0), wrong, True)
    confidence = (sure * counted).sum(axis=0) / counted.sum(axis=0)
    groups = first.groups or [str(label) for label in first.targets]
    return [
        Example(
            sample=sample,
            group=groups[place],
            target=str(first.targets[place]),
            given=most_frequent(given[counted[:, place], place].tolist()),
            seeds=len(stated),
            wrong=int(wrong[:, place].sum()),
            confidence=float(confidence[place]),
            error=None,
            note=written.get(sample, ""),
            image=images.get(sample),
        )
        for place, sample in enumerate(first.ids)
    ]


def most_frequent(answers: list[Any]) -> str:
    """The answer that most seeds gave; of equally frequent ones the lowest."""
    counts = Counter(answers)
    return str(min(counts, key=lambda answer: (-counts[answer], answer)))


def valued(stated: "Sequence[Predictions]", images: dict[str, Any], written: dict[str, str]) -> list[Example]:
    """Samples of a task with values: `given` is the mean over seeds, shown where it is a single number."""
    import numpy as np

    first = stated[0]
    assert first.targets is not None
    n = len(first)
    apart = np.stack([np.abs(one.stated.astype(np.float64) - first.targets).reshape(n, -1).mean(1) for one in stated])
    given = np.mean([one.stated for one in stated], axis=0)
    plain = first.targets.ndim == 1
    return [
        Example(
            sample=sample,
            group=first.groups[place] if first.groups else "",
            target=f"{first.targets[place]:.4g}" if plain else "",
            given=f"{given[place]:.4g}" if plain else "",
            seeds=len(stated),
            wrong=0,
            confidence=None,
            error=float(apart[:, place].mean()),
            note=written.get(sample, ""),
            image=images.get(sample),
        )
        for place, sample in enumerate(first.ids)
    ]


def mistakes(found: list[Example]) -> list[Example]:
    """Those that most seeds got wrong first, of these the most confident; for values, the largest errors first."""
    if found and found[0].confidence is None:
        return sorted(found, key=lambda one: -(one.error or 0.0))
    return sorted((one for one in found if one.is_mistake), key=lambda one: (-one.wrong, -(one.confidence or 0.0)))


def unsure(found: list[Example]) -> list[Example]:
    """Those that every seed got right, the least confident first; none for values."""
    right = [one for one in found if one.confidence is not None and not one.is_mistake]
    return sorted(right, key=lambda one: one.confidence or 0.0)


def notes(record: Record) -> dict[str, str]:
    """What people wrote about samples of this run's data, by sample id."""
    if not NOTES.is_file():
        return {}
    try:
        with NOTES.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != COLUMNS:
                raise Refusal(
                    f"{NOTES} has columns {reader.fieldnames}", f"they are {', '.join(COLUMNS)}", "mend its first line"
                )
            return {line["sample"]: line["note"] for line in reader if line["data"] == record.data.name}
    except UnicodeDecodeError as error:
        raise Refusal(f"{NOTES} is not UTF-8", str(error), "save it as UTF-8") from error
