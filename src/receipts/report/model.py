"""What a report is made of, before it is LaTeX, HTML, Markdown or a figure: numbers with their receipts.

One model, many renderings: whatever prints a number prints a `Number`, whose key is its address everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from receipts.config.project import RUNS
from receipts.runs.dynamics import Dynamics
from receipts.runs.plans import Plan
from receipts.runs.record import Record


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a number points to. `predictions` maps run id to the SHA-256 of the prediction file it was computed from.

    `query` says in words how the runs were chosen; `command` makes the number again. `name` is the receipt's own
    address, since the numbers of one row share one receipt. `data` is the hash of the dataset's files, `split_hash`
    of the manifest, `checkpoints` hold `run id: weights`.
    """

    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    commits: tuple[str, ...]
    data: str
    data_version: str
    split: str
    split_hash: str
    harness: str
    checkpoints: tuple[str, ...]
    predictions: Mapping[str, str]
    command: str
    query: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """One printed number: its address (`main.baseline.accuracy`), its value, what it means, where it comes from.

    `value` is None where `text` is a word: a verdict, `undefined`.
    """

    key: str
    value: float | None
    text: str
    meaning: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds and its interval. `points` maps seed to value; `how` names the interval, or why there is none.

    `low` and `high` are None where no interval is printed (n < 5, a deterministic method). `points` are by fold in a
    cross-validation. `bca` is a second interval, beside the first, for twenty and more points of a skewed kind.
    """

    mean: float | None
    low: float | None
    high: float | None
    points: Mapping[int, float]
    how: str
    deterministic: bool = False
    bca: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One declared comparison, row minus reference, as the statistical protocol prints it.

    `n` counts pairs of seeds, or samples where neither method has seeds; `delta`, `low` and `high` are in the metric's
    own units, so that a negative `delta` is better where lower is; `d_z` and `improvement` are positive where better.
    `meaningful` says that even the near end of the interval is beyond the margin.
    """

    key: str
    row: str
    against: str
    column: str
    n: int
    delta: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    verdict: str  # better | worse | equivalent | inconclusive
    reason: str  # why, in one sentence: the test, the margin, what would settle it
    d_z: float | None = None
    improvement: float | None = None  # probability of improvement
    seeds_needed: int | None = None
    sign_flip_p: float | None = None
    expected: str = ""  # what an ablation declared beforehand
    sample_low: float | None = None  # seeds + test sample
    sample_high: float | None = None
    meaningful: bool = False
    margin: float | None = None  # declared, or 0.2 pooled standard deviations
    test: str = ""  # paired t | Welch | …
    labels: tuple[str, str] = ("", "")  # of row and reference, as people read them

    @property
    def surprise(self) -> str:
        """What was expected beforehand beside what was found; empty where nothing was declared."""
        if not self.expected:
            return ""
        return f"expected {self.expected}, found {'the same' if self.verdict == self.expected else self.verdict}"


@dataclass(frozen=True, slots=True)
class Column:
    """A metric as a table's column. `unit` is empty for a share or a coefficient; of a task it is its metric."""

    metric: str
    better: str
    range: tuple[float | None, float | None]
    definition: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row's estimate of one metric, its numbers by kind (`""`, `half`, `n`, …), and how it is marked."""

    estimate: Estimate
    numbers: Mapping[str, Number]
    bold: bool = False
    mark: str = ""  # `*` worse than best, `≈` equivalent, `?` inconclusive


@dataclass(frozen=True, slots=True)
class Row:
    """A method: the runs behind it, how many of those that were started came to a score (`k/n ok`), its cells.

    `notes` hold what is marked at its name, such as MIXED DEVICES.
    """

    name: str
    label: str
    runs: tuple[Record, ...]  # scored, one for each seed
    failed: tuple[Record, ...]  # failed, stale or excluded, with `why` in the ledger
    cells: Mapping[str, Cell]
    deterministic: bool = False
    missing: int = 0  # cells of a plan without a run
    notes: Sequence[str] = ()

    @property
    def behind(self) -> int:
        """How many seeds, or folds, its first cell is a mean of; a table over tasks has more runs than that."""
        return next((len(cell.estimate.points) for cell in self.cells.values()), len(self.runs))

    @property
    def ok(self) -> str:
        """How many of the runs that were started, or planned, came to a score."""
        return f"{len(self.runs)}/{len(self.runs) + len(self.failed) + self.missing} ok"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a slicing: its samples, each row's estimate on them, and the rows that are compared.

    `numbers` are by row and kind, as in a cell.
    """

    name: str
    n: int
    estimates: Mapping[str, Estimate]
    comparisons: Sequence[Comparison]
    numbers: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sliced:
    """A slicing that the dataset declares, by one metric; the parts stand worst first."""

    name: str
    column: Column
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Dynamic:
    """How training went in the arms of a sweep, by row name; `threshold` is of a metric on val, None where unknown."""

    metric: str
    threshold: float | None
    arms: Mapping[str, Dynamics]


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a table over several: its metric, what counts as 0 and as 1, whence, and each method's runs."""

    name: str
    metric: str
    zero: float
    one: float
    ends: str  # in words: the means of which methods, or that they were declared
    runs: Mapping[str, tuple[Record, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class OverTasks:
    """Several tasks and, by method, every normalised score (seeds, tasks) of the seeds that all its tasks share."""

    tasks: Sequence[Task]
    seeds: Mapping[str, tuple[int, ...]]
    scores: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One table: rows that may be compared, and nothing that may not. `against` is the reference row's name."""

    name: str
    caption: str
    split: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    comparisons: Sequence[Comparison]
    primary: str
    margin: float | None
    plan: Plan | None = None
    notes: Sequence[str] = ()  # marks such as MIXED PRESETS with their reasons; smallest detectable effect
    against: str | None = None
    slices: Sequence[Sliced] = ()
    dynamic: Dynamic | None = None  # of a sweep
    over: OverTasks | None = None  # whose columns are the tasks
    others: Sequence[Number] = ()  # of the table as a whole

    def label(self, name: str) -> str:
        """A row as people read it, by its name."""
        return next((row.label for row in self.rows if row.name == name), name)

    def numbers(self) -> Iterator[Number]:
        """Every number of the table and of its slices."""
        for row in self.rows:
            for cell in row.cells.values():
                yield from cell.numbers.values()
        for part in (part for found in self.slices for part in found.parts):
            for kinds in part.numbers.values():
                yield from kinds.values()
        yield from self.others


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger: a run folder that exists, and why it is in the tables or not.

    `record` is None for a folder that cannot be read, or that a plan names and nobody has.
    """

    run_id: str
    record: Record | None
    state: str  # completed | failed | stale | running | unreadable | missing
    used_in: tuple[str, ...]
    reason: str


@dataclass(frozen=True, eq=False)
class Report:
    """Everything one `python report.py` prints.

    `findings` are what a reader must be told first, such as one identity with two different numbers; `openings` is
    how often the sealed test split was opened, by all recorded runs; `figures` are those asked for, None for all.
    """

    tables: Sequence[Table]
    ledger: Sequence[Entry]
    plans: Sequence[Plan]
    numbers: Mapping[str, Number] = field(default_factory=dict)
    findings: Sequence[str] = ()
    openings: int = 0
    figures: Sequence[str] | None = None
    rate: float | None = None  # what an hour costs
    looks: int = 1  # declared, by which α is divided
    folder: Path = RUNS  # where the runs lie: others' runs, pulled from a server, lie apart from one's own
    lost: Mapping[str, str] = field(default_factory=dict)  # runs that an earlier report printed, and what befell them

    @cached_property
    def runs(self) -> list[Record]:
        """The runs in the tables, each once, by id."""
        found = {run.run_id: run for table in self.tables for row in table.rows for run in row.runs}
        return [found[name] for name in sorted(found)]
