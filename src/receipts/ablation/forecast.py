"""Before anything runs: how many cells, how many of them are done, how long the rest will take, how much it will hold.

Times are those of recorded runs: of the same method, else of the same experiment under the same limits, else of the
same experiment under others, step for step, else of anything on the same data under the same limits. Runs on another
kind of device tell nothing.
"""

import math
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from receipts.ablation.cells import run_of
from receipts.ablation.launching import workers_of
from receipts.ablation.planning import Planned, device
from receipts.config.compose import Experiment
from receipts.config.project import RUNS
from receipts.config.questions import Ablating
from receipts.data import manifest
from receipts.provenance.identity import method_hash
from receipts.refusal import Refusal
from receipts.runs import dynamics, plans, store
from receipts.runs import record as records
from receipts.runs.draft import planned_epochs
from receipts.runs.log import say
from receipts.runs.record import Record
from receipts.runs.views import counted

FORKED_S, FRESH_S = 0.5, 8.0  # what a cell costs beside its run
LOOKED_AT = 500  # the newest runs are the likeliest to resemble what comes


@dataclass(frozen=True)
class Likely:
    """What a cell will probably cost: seconds, and bytes in its run folder; None where no recorded run resembles it."""

    seconds: float | None
    size: int | None


@dataclass(frozen=True)
class Work:
    """The cells of a plan by what there is to do: run, nothing any more, nothing unless `retry`."""

    todo: list[int]
    done: list[int]
    failed: dict[int, str]
    likely: dict[int, Likely]

    def seconds(self, numbers: Sequence[int], workers: int) -> float | None:
        """How long some cells will take, so many at a time; None where too little is known."""
        known = [cost for number in numbers if (cost := self.likely[number].seconds) is not None]
        if not known:
            return None
        return statistics.mean(known) * len(numbers) / max(1, min(workers, len(numbers)))


def survey(found: Planned, asked: Ablating) -> Work:
    """What there is to do, and what it will probably cost."""
    done, failed, todo = [], {}, []
    for number, cell in enumerate(found.plan.cells):
        record = run_of(cell)
        if record is not None:
            cell.run_id = record.run_id
        if is_done(record, asked.test or asked.folds is not None):
            done.append(number)
        elif record is not None and record.status == "failed" and not asked.retry:
            failed[number] = record.failure.reason if record.failure else "it does not say why"
        else:
            todo.append(number)
    known = past()
    start = {number: start_s(found.experiments[number], asked) for number in todo}
    likely = {number: resembling(found.experiments[number], known, start[number]) for number in todo}
    return Work(todo, done, failed, likely)


def is_done(record: Record | None, test: bool) -> bool:
    """Whether a run is all that was asked for."""
    return record is not None and record.status == "completed" and (not test or store.is_scored(record, "test"))


def past() -> list[Record]:
    """The newest completed runs; a damaged folder tells nothing."""
    found = []
    for folder in store.folders()[:LOOKED_AT]:
        try:
            record = records.read(folder)
        except Refusal:
            continue
        if record.status == "completed" and record.cost is not None:
            found.append(record)
    return found


def start_s(experiment: Experiment, asked: Ablating) -> float:
    """Seconds from a launch to a run: forked, or a Python that imports everything anew."""
    return FORKED_S if asked.launcher == "local" and experiment.config.trainer.processes == 1 else FRESH_S


def resembling(experiment: Experiment, known: Sequence[Record], start: float) -> Likely:
    """Cost of the nearest recorded runs, scaled to the length of what is planned; early ends are not foreseen."""
    limit = {name: cap for name, cap in experiment.values["limit"].items() if cap is not None}
    kind, method = device(experiment.config), method_hash(experiment.values)
    divided = manifest.path_of(experiment.data).as_posix()
    epochs, steps = planned_epochs(experiment.config), planned_steps(experiment)
    here = [run for run in known if ("cpu" if run.world.device == "cpu" else "gpu") == kind]
    alike = [run for run in here if run.limit == limit]
    tiers: Sequence[tuple[list[Record], Callable[[Record], float]]] = (
        ([run for run in alike if run.method == method], lambda run: 1.0),
        ([run for run in alike if run.conf == experiment.conf], lambda run: ratio(epochs, run.epochs)),
        ([run for run in here if run.conf == experiment.conf and run.steps], lambda run: ratio(steps, run.steps)),
        ([run for run in alike if run.data.manifest == divided], lambda run: ratio(epochs, run.epochs)),
    )
    for runs, scale in tiers:
        if runs:
            times = [lengthened(run, scale(run)) for run in runs]
            return Likely(statistics.median(times) + start, int(statistics.median(map(size, runs[:20]))))
    return Likely(None, None)


def lengthened(run: Record, factor: float) -> float:
    """Wall seconds of a run whose training had been longer by a factor; what comes before and after it stays."""
    assert run.cost is not None
    history = dynamics.read(store.folder(run) / "history.csv") if factor != 1 else []
    training = history[-1].get("elapsed_s") if history else None
    return run.cost.wall_s + (factor - 1) * (run.cost.wall_s if training is None else training)


def ratio(planned: int | None, done: int | None) -> float:
    """How much longer something is, where both lengths are known."""
    return planned / done if planned and done else 1.0


def planned_steps(experiment: Experiment) -> int | None:
    """The most optimizer steps that an experiment may make; None where it has none."""
    config, epochs = experiment.config, planned_epochs(experiment.config)
    rows = manifest.load(experiment.data)[1].splits["train"].n
    if epochs is None or rows is None or not config.fit.batch_size:
        return None
    kept = round(rows * config.fit.train_fraction)
    return epochs * -(-min(kept, config.limit.rows or kept) // (config.fit.batch_size * config.fit.accumulate))


def size(run: Record) -> int:
    """Bytes in a run's folder."""
    return sum(path.stat().st_size for path in store.folder(run).rglob("*") if path.is_file())


def announce(found: Planned, work: Work, asked: Ablating) -> None:
    """Say what is about to happen; refused where it would take longer than may be, or the disk cannot hold it."""
    plan, workers = found.plan, workers_of(asked, [found.experiments[number] for number in work.todo])
    folds = f" x {plan.folds} folds" if plan.folds else ""
    arms, seeds = counted(len(plan.arms), "arm"), counted(len(plan.seeds), "seed")
    say(f"plan {plan.plan_id or plan.conf}  {plan.kind}: {arms} x {seeds}{folds}")
    for arm in plan.arms:
        for line in told(arm):
            say(line)
    say(f"  shared   {', '.join(f'{key} {value}' for key, value in plan.shared.items())}")
    if plan.folds:
        say("  folds    every row is held out once, those of the test split too; each opening is counted")
    failed = f", {len(work.failed)} failed (retry=true runs them again)" if work.failed else ""
    say(f"  cells    {len(plan.cells)}, {len(work.done)} done already{failed}, {len(work.todo)} to run")
    if work.todo:
        seconds = work.seconds(work.todo, workers)
        say(f"  time     {'unknown: no recorded run resembles these' if seconds is None else about(seconds)}, "
            f"{workers} at a time ({asked.launcher})")  # fmt: skip
        refuse_too_long(seconds, [found.experiments[number] for number in work.todo])
        say(f"  disk     {disk(work)}")


def refuse_too_long(seconds: float | None, experiments: Sequence[Experiment]) -> None:
    """Refuse a plan whose cells together are likely to take longer than `limits.hours`, the largest any of them states.

    A cell without that limit may take what it takes, and so may its plan.
    """
    stated = [experiment.config.limits.hours for experiment in experiments]
    allowed = [hours for hours in stated if hours is not None]
    if seconds is None or len(allowed) < len(stated) or seconds <= max(allowed) * 3600:
        return
    raise Refusal(
        f"the plan is likely to take {about(seconds)}, and limits.hours allows {max(allowed):g}",
        "its time is that of recorded runs like its cells",
        f"limits.hours={math.ceil(seconds / 3600)}, fewer seeds or arms, or preset=fast",
    )


def told(arm: plans.Arm) -> list[str]:
    """An arm in a few lines: its name, what it changes, what is expected of it."""
    fixed = "  (deterministic: one cell)" if arm.deterministic else ""
    lines = [f"  arm      {arm.name}{fixed}"]
    for key, (before, after) in arm.difference.items():
        follows = f"      (follows {arm.follows[key]})" if key in arm.follows else ""
        lines.append(f"             {key}: {before} -> {after}{follows}")
    if arm.hypothesis:
        lines.append(f"             {arm.hypothesis} Expected: {arm.expect}.")
    return lines


def disk(work: Work) -> str:
    """What the cells will hold, beside what there is room for."""
    free = shutil.disk_usage(RUNS if RUNS.is_dir() else Path()).free
    known = [cost.size for cost in work.likely.values() if cost.size is not None]
    if not known:
        return f"unknown; {free / 1e9:.1f} GB are free"
    needed = statistics.mean(known) * len(work.todo)
    if needed > free:
        raise Refusal(
            f"{len(work.todo)} cells need about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free",
            "a run on a full disk fails in the middle",
            "make room      (receipts gc lists runs that nothing names)",
        )
    return f"about {needed / 1e6:,.1f} MB of {free / 1e9:.1f} GB that are free"


def about(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
