"""A process beside the first of a fit: `python -m receipts.training.rank RUN_ID RANK WORLD PORT`.

It trains its share of the run that the first process made, from that run's frozen config; it claims nothing, composes
nothing and writes nothing but its log.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from receipts.config import project
from receipts.config.project import RUNS
from receipts.data import manifest
from receipts.refusal import DONE, CheckFailed, Refusal, tell
from receipts.runs import record as records
from receipts.runs import repeat
from receipts.runs.files import write_atomically
from receipts.training.method import Site, build_method
from receipts.training.ranks import NOTE


def main(words: Sequence[str]) -> int:
    """Train a share; the exit code is 0, or 3 for a refusal."""
    threading.Thread(target=end_with_the_first, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    run_id, rank, world, port = words[0], *map(int, words[1:])
    try:
        project.enter(Path.cwd())
        experiment = repeat.frozen(records.read(RUNS / run_id))
        _, division = manifest.load(experiment.data)
        from receipts.data.opening import open_splits

        train, val = open_splits(experiment, division, ("train", "val"), [])
        method = build_method(experiment.config)
        method.fit(train, val, Site(RUNS / run_id, rank=rank, world=world, port=port))
    except CheckFailed as problem:
        leave(problem, RUNS / run_id / NOTE.format(rank))
        return tell(problem)
    except Refusal as problem:
        return tell(problem)
    return DONE


def leave(problem: CheckFailed, path: Path) -> None:
    """Leave what failed where the first process finds it."""
    words = [problem.check, problem.what, problem.why, problem.fix]
    write_atomically(path, json.dumps(words).encode())


def end_with_the_first() -> None:
    """End when the first process closes its end of our standard input, however it came to that."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
