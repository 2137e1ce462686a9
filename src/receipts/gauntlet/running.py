"""Checks under way: as many at a time as there are cores, live in one table; a budget ends what does not fit."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from receipts.ablation import launching
from receipts.ablation.forecast import about
from receipts.config.place import cores
from receipts.config.questions import Gauntlet
from receipts.gauntlet import kept, worker
from receipts.gauntlet.check import Outcome, undone
from receipts.gauntlet.course import Trial, budget
from receipts.refusal import Refusal, visible
from receipts.report.gauntlet import Verdict
from receipts.runs.screen import texts

PATIENCE_S = 10.0  # for a check that is told to end
SHOWN = 8  # trials on the live table
STYLES = {"pass": "green", "fail": "bold red", "not run": "yellow", "skipped": "yellow", "not applicable": "dim"}


def run(trials: Sequence[Trial], asked: Gauntlet) -> list[Verdict]:
    """Every verdict, in the order of the trials; left early, what has ended is on record and no process stays."""
    if isinstance(launching.context, multiprocessing.context.ForkServerContext):
        launching.context.set_forkserver_preload(list(launching.PRELOAD))
    screen, limit = Screen(trials), budget(asked)
    with Runner(workers(trials), limit, screen) as runner, screen.shown():
        return runner.run(trials)


def workers(trials: Sequence[Trial]) -> int:
    """How many checks run at a time: as there are cores for them, one where they would share a GPU."""
    runs = [run for trial in trials for run in trial.subject.runs]
    if any(run.world.device != "cpu" for run in runs):
        return 1
    return max(1, cores() // max((run.world.threads for run in runs), default=1))


class Runner:
    """Makes checks until the budget is spent, those that compute in processes of their own, several at a time."""

    def __init__(self, workers: int, limit: float | None, screen: "Screen") -> None:
        self.limit, self.screen, self.began = limit, screen, time.monotonic()
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="check")
        self.alive: set[BaseProcess] = set()

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *problem: object) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        for process in list(self.alive):
            end(process)
        self.pool.shutdown()

    def run(self, trials: Sequence[Trial]) -> list[Verdict]:
        """All verdicts; what looks at records only is done here, while the others compute."""
        waiting = {number: self.pool.submit(self.settle, one) for number, one in enumerate(trials) if one.check.apart}
        found = {number: self.settle(one) for number, one in enumerate(trials) if not one.check.apart}
        return [found[number] if number in found else waiting[number].result() for number in range(len(trials))]

    def settle(self, trial: Trial) -> Verdict:
        """The verdict of a trial, known or made."""
        self.screen.begins(trial)
        verdict = trial.known or self.made(trial)
        self.screen.ended(trial, verdict)
        return verdict

    def made(self, trial: Trial) -> Verdict:
        """Make a check if there is time for it, and put its verdict on record."""
        check, subject, began = trial.check, trial.subject, time.monotonic()
        left = None if self.limit is None else self.limit - (began - self.began)
        if left is not None and trial.seconds > left:
            reason = f"the budget has {about(max(left, 0))} left, and this takes {about(trial.seconds)}"
            return Verdict(check.name, subject.label, "not run", reason, check.asserts)
        found = self.apart(trial, left) if check.apart else here(trial)
        cure = check.cure if found.verdict == "fail" else ""
        took = round(time.monotonic() - began, 1)
        verdict = Verdict(check.name, subject.label, found.verdict, found.evidence, check.asserts, cure, took)
        kept.keep(check, subject, trial.terms, verdict)
        return verdict

    def apart(self, trial: Trial, left: float | None) -> Outcome:
        """Judge in a process forked from one that has everything loaded; ended when the budget is."""
        log = kept.place(trial.check, trial.subject).with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="receipts-gauntlet-") as folder:
            answer = Path(folder) / "outcome.json"
            words = (trial.check.name, trial.subject, trial.terms, answer, log)
            process = launching.context.Process(target=worker.forked, args=words)  # type: ignore[attr-defined]
            process.start()
            self.alive.add(process)
            try:
                process.join(left)
                late = process.is_alive()
                end(process)
                if late:
                    return undone("the budget was spent before it came to an end")
                return worker.read(answer, process.exitcode, log)
            finally:
                self.alive.discard(process)


def here(trial: Trial) -> Outcome:
    """Judge in this process: records alone are looked at."""
    try:
        return trial.check.judge(trial.subject, trial.terms)
    except Refusal as problem:
        return undone(f"{problem.what}: {problem.why}; {problem.fix}")


def end(process: BaseProcess) -> None:
    """End a process, asking first: what it started is its own to end."""
    if process.is_alive():
        process.terminate()
        process.join(PATIENCE_S)
    if process.is_alive():
        process.kill()
        process.join()


class Screen:
    """What a person sees: a line for every verdict, and on a terminal what is under way and what comes next."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials, self.console = trials, Console()
        self.begun: dict[int, float] = {}
        self.done: set[int] = set()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """A live table on a terminal; nothing elsewhere, where lines are printed."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, get_renderable=self.table, refresh_per_second=4, transient=True):
            yield

    def begins(self, trial: Trial) -> None:
        """Start the clock of one check."""
        self.begun[id(trial)] = time.monotonic()

    def ended(self, trial: Trial, verdict: Verdict) -> None:
        """A line for a check that has ended."""
        self.done.add(id(trial))
        took = "" if verdict.seconds is None or trial.known else f"  ({verdict.seconds:.0f} s)"
        took = "  (on record)" if trial.known and verdict.verdict in ("pass", "fail") else took
        head = f"[{len(self.done)}/{len(self.trials)}] {verdict.verdict:<14} {verdict.check}  {verdict.of}".rstrip()
        with self.console:  # both lines together
            style = STYLES[verdict.verdict]
            self.console.print(visible(f"{head}{took}"), style=style, highlight=False, markup=False, soft_wrap=True)
            self.console.print(visible(f"        {verdict.evidence}"), highlight=False, markup=False, soft_wrap=True)

    def table(self) -> Group:
        """What is under way, and what comes next."""
        table = Table("check", "method", "state", "likely", box=None, header_style="bold")
        left = [trial for trial in self.trials if id(trial) not in self.done]
        for trial in sorted(left, key=lambda one: id(one) not in self.begun)[:SHOWN]:
            begun = self.begun.get(id(trial))
            state = "waiting" if begun is None else f"{time.monotonic() - begun:.0f} s"
            table.add_row(*texts([trial.check.name, trial.subject.label, state, about(trial.seconds)]))
        likely = sum(trial.seconds for trial in left if trial.known is None)
        done = f"{len(self.done)} of {len(self.trials)} checks have ended"
        return Group(table, f" {done}, {about(likely)} of computing to go")
