"""What the recorded runs took: hours of each method and in all, a forecast for a plan, and a price at an hourly rate.

Pure functions of records. A run that failed, or that nobody has finished, costs as well: its time is that from its
start to its end or last sign of life, and is marked as such.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from statistics import median

from receipts.report.model import Report
from receipts.runs.plans import Plan
from receipts.runs.record import Record
from receipts.runs.views import counted

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What the runs of one method took. Seconds are wall time, all runs together; medians are of completed runs.

    `failed_s` is the part of runs that came to nothing; `estimated` counts runs whose time is only from start to the
    last sign of life. None where no run says.
    """

    name: str
    runs: int
    failed: int
    wall_s: float
    failed_s: float
    cpu_s: float
    estimated: int
    peak_mib: float | None
    parameters: int | None
    ms_per_sample: float | None

    @property
    def hours(self) -> float:
        """Wall time of all runs, failed ones included."""
        return self.wall_s / HOUR


def by_method(records: Iterable[Record]) -> list[Cost]:
    """The cost of each experiment, the dearest first."""
    methods: dict[str, list[Record]] = {}
    for record in records:
        methods.setdefault(record.conf, []).append(record)
    found = [cost(name, runs) for name, runs in methods.items()]
    return sorted(found, key=lambda one: (-one.wall_s, one.name))


def cost(name: str, runs: Sequence[Record]) -> Cost:
    """What some runs took together."""
    failed = [run for run in runs if run.status != "completed"]
    done = [run.cost for run in runs if run.status == "completed" and run.cost]
    sizes = [one.parameters for one in done if one.parameters is not None]
    times = [one.ms_per_sample for one in done if one.ms_per_sample is not None]
    return Cost(
        name,
        len(runs),
        len(failed),
        sum(map(seconds, runs)),
        sum(map(seconds, failed)),
        sum(run.cost.cpu_s for run in runs if run.cost),
        sum(run.cost is None for run in runs),
        max((one.peak_mib for one in done), default=None),
        int(median(sizes)) if sizes else None,
        median(times) if times else None,
    )


def seconds(record: Record) -> float:
    """Wall time of a run: as it was measured, else from its start to its end or last heartbeat."""
    if record.cost is not None:
        return record.cost.wall_s
    began, ended = (datetime.fromisoformat(moment) for moment in (record.started, record.ended or record.heartbeat))
    return max((ended - began).total_seconds(), 0.0)


def forecast(plan: Plan, records: Sequence[Record]) -> float | None:
    """Seconds that the cells of a plan without a finished run will take, one after the other.

    Each as long as the median completed run of its arm, or of its experiment where the arm has none; None where nobody
    has run either.
    """
    by_run = {record.run_id: record for record in records}
    confs = {arm.name: arm.conf for arm in plan.arms}
    total = 0.0
    for cell in plan.cells:
        run = by_run.get(cell.run_id or "")
        if run is not None and run.status == "completed":
            continue
        same = {other.run_id for other in plan.cells if other.arm == cell.arm}
        known = [r for r in records if r.status == "completed" and r.cost and not r.limit]
        like = [r for r in known if r.run_id in same] or [r for r in known if r.conf == confs.get(cell.arm)]
        if not like:
            return None
        total += median(seconds(r) for r in like)
    return total


def price(hours: float, rate: float | None) -> float | None:
    """What hours cost at a rate per hour; None without a rate."""
    return None if rate is None else hours * rate


def write(report: Report, folder: Path) -> None:
    """`costs.md`: one line a method, and all of it; without a price, so that checking it needs no rate."""
    (folder / "costs.md").write_text(markdown(report), encoding="utf-8")


def priced(report: Report) -> list[str]:
    """What all recorded runs cost, in a line for the screen; nothing without a rate."""
    total = lines(report)[-1]
    found = price(total.hours, report.rate)
    return [] if found is None else [f"cost  {total.hours:.3f} hours, {found:.2f} at {report.rate:g} an hour"]


HEAD = ("experiment", "runs", "failed", "hours", "of them failed", "memory MiB", "parameters", "ms a sample")


def markdown(report: Report, rate: float | None = None) -> str:
    """The costs of every recorded run, in the tables or not, and what open plans will still take."""
    took = lines(report)
    head = [*HEAD, *(["price"] if rate is not None else [])]
    rows = [line(one, rate) for one in took]
    text = ["# Costs", "", grid(head), grid(["---"] * len(head)), *map(grid, rows), "", *notes(took[-1], rate)]
    return "\n".join([*text, *(f"- {told}" for told in forecasts(report))]) + "\n"


def records(report: Report) -> list[Record]:
    """Every recorded run, in the tables or not."""
    return [entry.record for entry in report.ledger if entry.record is not None]


@lru_cache(maxsize=1)
def lines(report: Report) -> Sequence[Cost]:
    """The cost of each experiment and, last, of all of them."""
    found = records(report)
    return [*by_method(found), cost("all", found)]


def forecasts(report: Report) -> list[str]:
    """What the cells of open plans will still take, a sentence each."""
    told = []
    for plan in report.plans:
        left = forecast(plan, records(report))
        if left:
            told.append(f"The plan `{plan.plan_id}` will take about {left / HOUR:.3f} hours more, cell after cell.")
        elif left is None:
            told.append(f"The plan `{plan.plan_id}` has cells like which none has run, so nothing forecasts it.")
    return told


def line(one: Cost, rate: float | None) -> list[str]:
    """One method as a row."""
    cells = [one.name, str(one.runs), str(one.failed), f"{one.hours:.3f}", f"{one.failed_s / HOUR:.3f}"]
    cells += ["" if one.peak_mib is None else f"{one.peak_mib:,.0f}"]
    cells += ["" if one.parameters is None or one.name == "all" else f"{one.parameters:,}"]
    cells += ["" if one.ms_per_sample is None or one.name == "all" else f"{one.ms_per_sample:.3g}"]
    return cells + ([f"{one.hours * rate:.2f}"] if rate is not None else [])


def notes(total: Cost, rate: float | None) -> list[str]:
    """How to read the table."""
    found = ["- Wall time of all recorded runs, those that failed included; memory is the most of any run."]
    if total.estimated:
        some = counted(total.estimated, "run")
        found.append(f"- {some} ended before the time was taken: it is from start to last heartbeat.")
    if rate is not None:
        found.append(f"- Price at {rate:g} an hour.")
    return found


def grid(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
