"""The other processes of a fit that torchrun or srun started, seen from the first.

None of them was started here and none can be ended from here: what is known of them is what they say on the board.
"""

import os
import threading
import time
from contextlib import suppress
from types import TracebackType

from torch.distributed import DistError

from receipts.runs.store import Run
from receipts.training.board import DID, END, LOOK_S, RUN, SILENT_S, STOPS
from receipts.training.deaths import RankDied, cause, close, last_line
from receipts.training.launched import boards
from receipts.training.method import Site

NOTICE_S = 5.0  # how long this process may take to notice by itself that another is gone
UNHEARD = "the store in which the processes hear of each other is gone: the launcher on the first node was ended"
STOP_S = 8.0  # torchrun, which stops this one where another died, leaves it half a minute


class Peers:
    """Names the run for the others, and tells of one that failed or fell silent."""

    def __init__(self, run: Run, site: Site) -> None:
        self.run, self.site, self.board = run, site, boards[site.place]
        self.left, self.silent = threading.Event(), threading.Event()

    def __enter__(self) -> "Peers":
        self.board.post(RUN, self.run.record.run_id)
        threading.Thread(target=self.board.beat, args=(self.silent,), name="beat", daemon=True).start()
        threading.Thread(target=self.watch, name="peers", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left.set()
        try:
            if error is None or isinstance(error, SystemExit | RuntimeError):
                lost = self.missed(isinstance(error, SystemExit))
                if lost is not None:
                    raise cause(self.run, lost, self.told(lost)) from error
        except DistError as gone:
            if not isinstance(error, SystemExit):  # a run that is told to stop stops
                raise RankDied(f"{UNHEARD} ({gone})") from error
        finally:
            self.silent.set()

    def missed(self, stopped: bool) -> int | None:
        """The process at fault, also where a launcher stops this one while it waits to hear which one it was."""
        try:
            return self.lost(STOP_S if stopped else SILENT_S)
        except SystemExit:
            lost = self.lost(STOP_S)
            if lost is None:
                raise
            return lost

    def lost(self, patience: float) -> int | None:
        """The process at fault: one that fell silent, or else the first that failed; waits to hear of all of them."""
        until = time.monotonic() + patience + STOP_S
        others = range(1, self.site.world)
        while time.monotonic() < until:
            if silent := [rank for rank in others if self.is_silent(rank, patience)]:
                return silent[0]
            if all(self.board.left(rank) is not None for rank in others):
                break
            time.sleep(LOOK_S)
        return self.first_to_fail()

    def first_to_fail(self) -> int | None:
        """Of the processes that left without having done all, the first; one that was told to stop is not at fault."""
        left = {rank: how for rank in range(1, self.site.world) if (how := self.board.left(rank)) is not None}
        failed = [(number, rank) for rank, (number, how) in left.items() if how not in (DID, STOPS)]
        return min(failed)[1] if failed else None

    def is_silent(self, rank: int, patience: float) -> bool:
        """Whether a process is heard no more and has not said that it leaves."""
        return self.board.left(rank) is None and self.board.silence(rank) > patience

    def watch(self) -> None:
        """End this process when another is gone and it waits for that one for ever, as it may in a collective call."""
        while not self.left.wait(LOOK_S):
            problem = self.trouble()
            if problem is None or self.left.wait(NOTICE_S):
                continue
            code = close(self.run, problem)
            with suppress(DistError):
                self.board.post(END, str(code))
            os._exit(code)

    def trouble(self) -> Exception | None:
        """What is wrong with the others as far as one can hear."""
        try:
            silent = (rank for rank in range(1, self.site.world) if self.is_silent(rank, SILENT_S))
            gone = next(silent, None) or self.first_to_fail()
            return None if gone is None else cause(self.run, gone, self.told(gone))
        except DistError as error:
            return RankDied(f"{UNHEARD} ({error})")

    def told(self, rank: int) -> str:
        """What happened to a process, in one sentence with the last line of its log."""
        left = self.board.left(rank)
        how = left[1] if left else "is not heard any more: it was killed or stopped, or its node is cut off"
        return f"process {rank} of {self.site.world} {how} ({last_line(self.site.log_of(rank))})"
