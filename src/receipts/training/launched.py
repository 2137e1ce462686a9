"""Several processes for one fit, all started by torchrun or srun: the first makes the run, the others learn its name.

`led(train)` is what the script starts. The first process does all of `train`; the others wait until it names a run, and
train their share of it from its frozen config. What they have in common is the project's folder.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from receipts.config.compose import Experiment
from receipts.config.entry import BUG, attempt
from receipts.config.place import Place, place
from receipts.config.project import RUNS
from receipts.config.signals import STOPPED, is_asked
from receipts.refusal import DONE, Refusal
from receipts.training.board import DID, END, LOOK_S, RUN, SILENT_S, STOPS, Board
from receipts.training.deaths import ended_with

HEAR_S = 5.0
SEEN_S = 30.0  # how long a shared folder may take to show another node what was written

boards: dict[Place, Board] = {}  # of this process: one, and only where a launcher started it


def led(job: Callable[[Experiment], int]) -> Callable[[Experiment], int]:
    """A script's job where a launcher may have started many processes: the first does it, the others join in."""

    def one(experiment: Experiment) -> int:
        here = place()
        if not here.launcher:
            return job(experiment)
        board = boards[here] = Board(here)
        return follow(board) if here.rank else lead(board, job, experiment)

    return one


def lead(board: Board, job: Callable[[Experiment], int], experiment: Experiment) -> int:
    """Do the job, and tell the others its exit code whatever happens."""
    code = STOPPED
    try:
        code = attempt(job, experiment)
    finally:
        with suppress(RuntimeError):  # the store may be gone before us
            board.post(END, str(code))
            hear(board)
    return code


def hear(board: Board) -> None:
    """Wait until the others know: the store may end with this process."""
    until = time.monotonic() + HEAR_S
    while time.monotonic() < until and not all(board.left(rank) for rank in range(1, board.place.world)):
        time.sleep(LOOK_S)


def follow(board: Board) -> int:
    """Train a share of the run that the first process names; the exit code is that one's where it names none."""
    words = board.wait(RUN, END)
    if RUN not in words:
        board.leave(DID)
        return int(words[END])
    stop = threading.Event()
    for target in (board.beat, lambda event: end_with_the_first(board, event)):
        threading.Thread(target=target, args=(stop,), daemon=True).start()
    how = STOPS
    try:
        code = share(words[RUN], board.place)
        how = DID if code == DONE else ended_with(code)
    except SystemExit as error:
        if is_asked(error.code):
            raise
        how = ended_with(int(error.code or 0) if isinstance(error.code, int | None) else BUG)
        raise SystemExit(error.code or BUG) from error  # as torchrun would not hear otherwise that it failed
    finally:
        stop.set()
        with suppress(RuntimeError):
            board.leave(how)
    return code


def share(run_id: str, here: Place) -> int:
    """Train a share; everything this process prints from now on goes to its log."""
    appear(RUNS / run_id / "record.json")
    from receipts.training import rank
    from receipts.training.method import Site

    site = Site(RUNS / run_id, place=here)
    with site.log.open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
    return attempt(rank.learn, run_id, site)


def appear(path: Path) -> None:
    """Wait for a file that another node has written; refused where it never comes."""
    until = time.monotonic() + SEEN_S
    while not path.is_file():
        if time.monotonic() > until:
            raise Refusal(
                f"{path} is not to be seen on this node",
                "the first process wrote it, and all nodes have to see the same project folder",
                "put the clone, and its runs/, on a file system that the nodes share",
            )
        time.sleep(LOOK_S)


def end_with_the_first(board: Board, stop: threading.Event) -> None:
    """End this process when the first one has ended or is silent, in whatever call it waits for the others."""
    try:
        while board.read(END) is None and board.silence(0) < SILENT_S:
            if stop.wait(LOOK_S):
                return
    except RuntimeError:  # the store went with the process, or the agent, that kept it
        if stop.wait(LOOK_S):
            return
    print("the first process is gone", file=sys.stderr, flush=True)
    os._exit(BUG)
