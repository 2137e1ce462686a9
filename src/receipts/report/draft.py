"""A table before its numbers: the runs of its rows, and what they are compared by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from receipts.config.reporting import Selection
from receipts.report.methods import Picked
from receipts.runs.plans import Plan


@dataclass(frozen=True, slots=True)
class Across:
    """Several tasks in one table: each a draft of its own, in which the rows stand in the order of the methods.

    `ends` are what was declared to count as 0 and as 1 on a task, `margin` is in units of the normalised score.
    """

    tasks: "Mapping[str, Draft]"
    ends: Mapping[str, tuple[float, float]]
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A table before its numbers. No `columns` means the primary metric.

    `exploratory` says that nobody declared beforehand what would be compared. `passed` are later plans of the same
    question in whose place this one stands, since nothing of them can be reported; `lost` are runs that were printed
    in it, are gone, and are let go by `allow=`.
    """

    name: str
    caption: str
    split: str
    rows: tuple[Picked, ...]
    columns: tuple[str, ...] = ()
    against: str | None = None
    plan: Plan | None = None
    exploratory: bool = False
    across: Across | None = None
    passed: "tuple[Draft, ...]" = ()
    lost: tuple[str, ...] = ()

    @property
    def is_filled(self) -> bool:
        """Whether any row has a run."""
        return any(row.runs for row in self.rows)

    @property
    def lacking(self) -> str:
        """Why no row has a run: the commonest reasons."""
        reasons = Counter(reason for row in self.rows for reason in row.reasons.values())
        if not reasons:
            return f"none of its runs is scored on {self.split}"
        return "; ".join(f"{count} of {reasons.total()} runs: {why}" for why, count in reasons.most_common(3))


@dataclass(frozen=True, slots=True)
class Chosen:
    """All tables, and tables that were asked for and have nothing to show yet, with what they wait for.

    `lost` are runs that a report made here printed, and what happened to them; none where `allow=` lets them go.
    """

    drafts: Sequence[Draft]
    waiting: Mapping[str, str]
    selection: Selection
    lost: Mapping[str, str] = field(default_factory=dict)
