"""Many processes at once: identical launches, a fresh store that everybody starts on, writers by the thousand."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import surviving
from folders import runs
from launching import begin, context, ended, launch
from media import SMALL, failed, in_mlflow
from recording import SEEDS, record

from receipts.runs import known

SEED = "seed={}"


def identical(folder: Path, times: int = 3) -> list[str]:
    """Two launches of one identity at the same moment: one runs, the other is refused or finds it completed."""
    found = []
    for number in range(times):
        both = [begin(folder, *SMALL, SEED.format(number)) for _ in range(2)]
        for process in both:
            process.join(120)
        done = [ended(folder, process) for process in both]
        codes = sorted(one.code for one in done)
        told = [one.err for one in done if one.code == 3]
        if codes not in ([0, 0], [0, 3]) or not all("is running" in err and "wait=true" in err for err in told):
            found.append(f"they ended with {codes}: {told}")
        if len(runs(folder)) != number + 1:
            found.append(f"{len(runs(folder))} runs of {number + 1} identities")
    return found + surviving.findings(folder, {})


def sixteen(folder: Path, launches: int = 16) -> list[str]:
    """So many runs started at once where there is neither a run nor a store yet; MLflow gets what it lacked by sync."""
    everyone = [begin(folder, *SMALL, SEED.format(number), tracked=True) for number in range(launches)]
    for process in everyone:
        process.join(580)
    done = [ended(folder, process) for process in everyone]
    found = [problem for one in done for problem in failed(one)]
    late = sum("WARNING MLflow lacks part of this run" in one.out for one in done)
    print(f"{late} of {launches} could not be sent in time, and said so")
    found += failed(launch(folder, "receipts", "sync"))
    found += [] if len(runs(folder)) == launches else [f"{len(runs(folder))} runs of {launches} launches"]
    return found + surviving.findings(folder, {}) + in_mlflow(folder)


def writers(folder: Path, total: int = 1000, processes: int = 8) -> list[str]:
    """So many runs by writers at once: in runs/, the index, EXPERIMENTS.md and MLflow each of them once."""
    share = total // processes
    everyone = [context.Process(target=record, args=(folder, n * share, share, "net")) for n in range(processes)]
    for process in everyone:
        process.start()
    for process in everyone:
        process.join()
    found = [f"a writer ended with {one.exitcode}" for one in everyone if one.exitcode]
    there = surviving.kept(folder)
    identities = Counter(one.identity.id for one in there.values())
    found += counted("runs/", len(there), share * processes)
    found += counted("identities", len(identities), share * processes)
    found += counted("the index of runs", len(known.recorded(folder / "runs")), share * processes)
    found += surviving.litter(folder)
    found += failed(launch(folder, "report.py", timeout=600)) + failed(launch(folder, "receipts", "sync", timeout=1200))
    rows = [
        line.split(" | ") for line in (folder / "EXPERIMENTS.md").read_text().splitlines() if line.startswith("| [`2")
    ]
    found += counted("rows of EXPERIMENTS.md", len(rows), -(-share * processes // SEEDS))
    found += counted("seeds in EXPERIMENTS.md", sum(len(row[4].split(", ")) for row in rows), share * processes)
    return found + in_mlflow(folder) + sent_once(folder, share * processes)


def counted(what: str, there: int, wanted: int) -> list[str]:
    """A count that is not what it should be."""
    return [] if there == wanted else [f"{what}: {there} instead of {wanted}"]


def sent_once(folder: Path, total: int) -> list[str]:
    """Every run's number stands in MLflow, and once."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as store:
        (points,) = store.execute("SELECT count(*) FROM metrics WHERE key = 'test/accuracy'").fetchone()
    return counted("test/accuracy in MLflow", points, total)


EVENTS: dict[str, Callable[[Path], list[str]]] = {
    "two identical launches": identical,
    "16 runs at once, fresh store": sixteen,
    "1,000 runs by 8 writers": writers,
}
