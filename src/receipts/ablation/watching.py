"""Cells under way: submitted, followed in one live table, told as they end; plain lines where there is no terminal."""

import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from receipts.ablation import planning
from receipts.ablation.cells import run_of
from receipts.ablation.forecast import Work, about
from receipts.ablation.launching import Launcher, threads_here
from receipts.ablation.planning import Planned
from receipts.ablation.worker import Order
from receipts.config.entry import BUG
from receipts.config.questions import Ablating
from receipts.refusal import visible
from receipts.runs import plans, store
from receipts.runs.plans import Cell
from receipts.runs.process import is_stale
from receipts.runs.record import Record
from receipts.runs.screen import texts
from receipts.runs.sending import Sender

LOOK_S = 0.5
TAIL = 32_768  # bytes of a log: what is checked after training is told below the last step
STEP = re.compile(r"epoch \d+/\d+ step \d+/\d+")


def run(found: Planned, work: Work, asked: Ablating, launch: Launcher) -> dict[int, int]:
    """Run the cells that are to be run; the exit code of each."""
    test = asked.test or asked.folds is not None
    futures: dict[Future[int], int] = {}
    for number in work.todo:
        order = Order(found.folder, number, asked.retry, test, threads_here())
        futures[launch.submit(order, found.experiments[number])] = number
    codes: dict[int, int] = {}
    sender, screen = Sender(), Screen(found, work, launch.workers)
    try:
        with screen.shown():
            waiting = set(futures)
            while waiting:
                ended, waiting = wait(waiting, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                for future in ended:
                    number = futures[future]
                    codes[number] = code_of(future)
                    ran = settle(found, number)
                    screen.ended(number, codes[number], ran)
                    if ran is not None:
                        sender.send(store.folder(ran))
                screen.look(codes)
        sender.send(found.folder)
    except (KeyboardInterrupt, SystemExit):
        print(f"stopped with {len(work.todo) - len(codes)} cells to go; on with them: {found.plan.command}", flush=True)
        raise
    if warning := sender.finish():
        print(f"WARNING {warning}", flush=True)
    return codes


def code_of(future: "Future[int]") -> int:
    """The exit code of a cell; a launcher's own trouble is told and counts as our bug."""
    if (error := future.exception()) is not None:
        print(f"the launcher failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return BUG
    return future.result()


def settle(found: Planned, number: int) -> Record | None:
    """Write into the plan which run a cell came to."""
    cell = found.plan.cells[number]
    record = run_of(cell)
    if record is not None and cell.run_id != record.run_id:
        cell.run_id = record.run_id
        planning.save(found.plan)
    return record


class Screen:
    """What a person sees of cells under way."""

    def __init__(self, found: Planned, work: Work, workers: int) -> None:
        self.found, self.work, self.workers = found, work, workers
        self.console = Console()
        self.live: Live | None = None
        self.begun = time.monotonic()
        self.told: set[int] = set()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """A live table on a terminal; nothing elsewhere, where lines are printed."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=4, transient=True) as self.live:
            yield

    def ended(self, number: int, code: int, ran: Record | None) -> None:
        """A line for a cell that has ended."""
        cell = self.found.plan.cells[number]
        done = len([other for other in self.work.todo if other in self.told]) + 1
        self.told.add(number)
        line = f"[{done}/{len(self.work.todo)}] {plans.name(cell)}  {outcome(self.found, number, code, ran)}"
        self.console.print(visible(line), highlight=False, markup=False, soft_wrap=True)

    def look(self, codes: Mapping[int, int]) -> None:
        """Bring the table up to date."""
        if self.live is not None:
            self.live.update(self.table(codes))

    def table(self, codes: Mapping[int, int]) -> Group:
        """The cells that run and those that come next, as many as the screen has room for."""
        left = [number for number in self.work.todo if number not in codes]
        near = left[: 2 * self.workers]  # cells start in their order, and looking for a run means reading a folder
        seen = {number: record for number in near if (record := under_way(self.found.plan.cells[number]))}
        first = [*seen, *(number for number in left if number not in seen)]
        table = Table("cell", "state", "step", "run", box=None, header_style="bold")
        for number in first[: max(3, self.console.height - 6)]:
            record = seen.get(number)
            state = "running" if record else "waiting"
            step = last_step(record) if record else ""
            name = plans.name(self.found.plan.cells[number])
            table.add_row(*texts([name, state, step, record.run_id if record else ""]))
        return Group(table, f" {len(codes)} of {len(self.work.todo)} cells have ended, {self.eta(len(codes), left)}")

    def eta(self, ended: int, left: list[int]) -> str:
        """How long the rest will take: by the pace of this plan once there is one, by recorded runs until then."""
        pace = (time.monotonic() - self.begun) / ended if ended else None
        seconds = pace * len(left) if pace is not None else self.work.seconds(left, self.workers)
        return "ETA unknown" if seconds is None else f"ETA {about(seconds)}"


def under_way(cell: Cell) -> Record | None:
    """The run that is at work on a cell."""
    return next((r for r in store.known(cell.identity) if r.status == "running" and not is_stale(r)), None)


def last_step(record: Record) -> str:
    """Epoch and step that a run last wrote of."""
    path = store.folder(record) / "train.log"
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            steps = STEP.findall(file.read().decode(errors="replace"))
    except OSError:
        return ""
    return steps[-1] if steps else ""


def outcome(found: Planned, number: int, code: int, ran: Record | None) -> str:
    """How a cell ended, in one phrase."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}; the same command runs it again"
    if ran is None or ran.status == "running":
        return f"did not run: {last_word(found, number)}"
    if ran.status == "failed":
        return f"failed: {ran.failure.reason if ran.failure else last_word(found, number)}"
    score = ran.score("val")
    value = score.metrics[ran.primary].value if score and ran.primary in score.metrics else None
    shown = "" if value is None else f"val {ran.primary} {value:.4f} {ran.word}".rstrip()
    return f"{ran.status}  {shown}" + ("" if code == 0 else f"  exit code {code}: {last_word(found, number)}")


def last_word(found: Planned, number: int) -> str:
    """What a cell's process said last, and where the rest stands."""
    log = Order(found.folder, number).log
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    refused = [line for line in lines if line.startswith(("REFUSED", "FAILED"))]
    said = [line for line in (refused or lines) if line.strip()]
    return f"{said[-1].strip() if said else 'it said nothing'}      ({log})"
