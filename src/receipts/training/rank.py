"""A process beside the first of a fit: `python -m receipts.training.rank RUN_ID RANK WORLD PORT`.

It trains its share of the run that the first process made, from that run's frozen config; it claims nothing, composes
nothing and writes nothing but its log.
"""

import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from receipts.config import project
from receipts.config.compose import Experiment
from receipts.config.entry import attempt
from receipts.config.place import Place
from receipts.config.project import RUNS
from receipts.data import manifest
from receipts.provenance import code
from receipts.provenance.identity import targets
from receipts.refusal import DONE, Refusal
from receipts.runs import record as records
from receipts.runs import repeat
from receipts.runs.record import Record
from receipts.training.deaths import SHARE_DONE, forget, leave
from receipts.training.method import Site, build_method


def main(words: Sequence[str]) -> int:
    """Train a share; the exit code says that it is done, or 3 for a refusal, 4 for a failed check, 1 for all else."""
    threading.Thread(target=end_with_the_first, daemon=True).start()
    run_id, rank, world, port = words[0], *map(int, words[1:])
    project.enter(Path.cwd())
    ended = attempt(learn, run_id, Site(RUNS / run_id, place=Place(rank, world, rank, port=port)))
    return SHARE_DONE if ended == DONE else ended


def learn(run_id: str, site: Site) -> int:
    """Train this process's share of a run, from its frozen config; what a check ends by is left for the first one."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    forget(site.folder, site.rank)
    record = records.read(RUNS / run_id)
    experiment = repeat.frozen(record)
    _, division = manifest.load(experiment.data)
    from receipts.data.opening import open_splits

    train, val = open_splits(experiment, division, ("train", "val"), [])
    try:
        method = build_method(experiment.config)
        refuse_other_code(record, experiment)  # now that all of it is imported
        method.fit(train, val, site)
    except Refusal as problem:
        leave(problem, site.folder, site.rank)
        raise
    return DONE


def refuse_other_code(record: Record, experiment: Experiment) -> None:
    """Refuse to share in a run with other code than it was made from: averaged gradients would not show it."""
    lab = code.lab(targets(experiment.values))
    changed = sorted(name for name in {**record.code.lab, **lab} if record.code.lab.get(name) != lab.get(name))
    if code.core() != record.code.core.sha256:
        changed.append("src/receipts")
    if changed:
        raise Refusal(
            "a process of this fit has other code than the run was made from",
            f"changed: {repeat.shown(changed)}",
            "start all nodes from one clone, and change nothing while a run starts; then retry=true",
        )


def end_with_the_first() -> None:
    """End when the first process closes its end of our standard input, however it came to that."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
