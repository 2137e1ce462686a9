"""Checks under way: one after the other, live in one table, told as they end; a budget ends what does not fit."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from receipts.ablation import launching
from receipts.ablation.forecast import about
from receipts.config.schema import Gauntlet
from receipts.gauntlet import kept, worker
from receipts.gauntlet.check import Outcome, undone
from receipts.gauntlet.course import Trial, budget
from receipts.refusal import Refusal
from receipts.report.gauntlet import Verdict

PATIENCE_S = 10.0  # for a check that is told to end
STYLES = {"pass": "green", "fail": "bold red", "not run": "yellow", "skipped": "yellow", "not applicable": "dim"}


def run(trials: Sequence[Trial], asked: Gauntlet) -> list[Verdict]:
    """Every verdict, in the order of the trials."""
    screen, limit, began = Screen(trials), budget(asked), time.monotonic()
    if isinstance(launching.context, multiprocessing.context.ForkServerContext):
        launching.context.set_forkserver_preload(list(launching.PRELOAD))
    found = []
    with screen.shown():
        for trial in trials:
            screen.begins(trial)
            left = None if limit is None else limit - (time.monotonic() - began)
            verdict = trial.known or made(trial, left)
            screen.ended(verdict)
            found.append(verdict)
    return found


def made(trial: Trial, left: float | None) -> Verdict:
    """Make a check if there is time for it, and put its verdict on record."""
    check, subject = trial.check, trial.subject
    if left is not None and trial.seconds > left:
        found = undone(f"the budget has {about(max(left, 0))} left, and this takes {about(trial.seconds)}")
        return Verdict(check.name, subject.label, found.verdict, found.evidence, check.asserts)
    began = time.monotonic()
    found = apart(trial, left) if check.apart else here(trial)
    took = round(time.monotonic() - began, 1)
    cure = check.cure if found.verdict == "fail" else ""
    verdict = Verdict(check.name, subject.label, found.verdict, found.evidence, check.asserts, cure, took)
    kept.keep(check, subject, trial.terms, verdict)
    return verdict


def here(trial: Trial) -> Outcome:
    """Judge in this process: records alone are looked at."""
    try:
        return trial.check.judge(trial.subject, trial.terms)
    except Refusal as problem:
        return undone(f"{problem.what}: {problem.why}; {problem.fix}")


def apart(trial: Trial, left: float | None) -> Outcome:
    """Judge in a process forked from one that has everything loaded; ended when the budget is."""
    log = kept.place(trial.check, trial.subject).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="receipts-gauntlet-") as folder:
        answer = Path(folder) / "outcome.json"
        words = (trial.check.name, trial.subject, trial.terms, answer, log)
        process = launching.context.Process(target=worker.forked, args=words)  # type: ignore[attr-defined]
        process.start()
        try:
            process.join(left)
            if process.is_alive():
                return undone("the budget was spent before it came to an end")
            return worker.read(answer, process.exitcode, log)
        finally:
            process.terminate()
            process.join(PATIENCE_S)
            process.kill()
            process.join()


class Screen:
    """What a person sees: a line for every verdict, and on a terminal what is under way and what comes next."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials, self.console = trials, Console()
        self.live: Live | None = None
        self.at = 0
        self.begun = time.monotonic()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """A live table on a terminal; nothing elsewhere, where lines are printed."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, get_renderable=self.table, refresh_per_second=4, transient=True):
            yield

    def begins(self, trial: Trial) -> None:
        """The clock of one check."""
        self.begun = time.monotonic()

    def ended(self, verdict: Verdict) -> None:
        """A line for a check that has ended."""
        self.at += 1
        took = "" if verdict.seconds is None else f"  ({verdict.seconds:.0f} s)"
        head = f"[{self.at}/{len(self.trials)}] {verdict.verdict:<14} {verdict.check}  {verdict.of}".rstrip()
        style = STYLES[verdict.verdict]
        self.console.print(f"{head}{took}", style=style, highlight=False, markup=False, soft_wrap=True)
        self.console.print(f"        {verdict.evidence}", highlight=False, markup=False, soft_wrap=True)

    def table(self) -> Group:
        """What is under way, and what comes next."""
        table = Table("check", "method", "state", "likely", box=None, header_style="bold")
        for number, trial in enumerate(self.trials[self.at : self.at + 6]):
            state = f"{time.monotonic() - self.begun:.0f} s" if number == 0 else "waiting"
            table.add_row(trial.check.name, trial.subject.label, state, about(trial.seconds))
        left = sum(trial.seconds for trial in self.trials[self.at :] if trial.known is None)
        return Group(table, f" {self.at} of {len(self.trials)} checks have ended, {about(left)} to go")
