"""What MLflow costs a run: in a process of its own, as it is, and on the training thread, as it would be.

python benchmarks/tracking.py      (SQLite store; seconds that the training process loses, imports of mlflow included)
"""

import json
import os
import statistics
import subprocess
import sys

from measure import clone, python, tell

ROUNDS = 5
OFF = """
import json, sys, time
from pathlib import Path
from receipts.runs.sending import Tracker
folder, trains = Path(sys.argv[1]), float(sys.argv[2])
tracker = Tracker(folder)
began = time.perf_counter(); tracker.start(); started = time.perf_counter() - began
time.sleep(trains)
began = time.perf_counter(); said = tracker.finish(); ended = time.perf_counter() - began
assert said is None, said
print(json.dumps({"start": started, "finish": ended}))
"""
ON = """
import json, sys, time
from pathlib import Path
from receipts.runs.delivery import send
from receipts.runs.tracking import Store
began = time.perf_counter()
import mlflow
imported = time.perf_counter() - began
store = Store()
opened = time.perf_counter() - began - imported
assert send(Path(sys.argv[1]), store)
print(json.dumps({"import": imported, "open": opened, "send": time.perf_counter() - began - imported - opened}))
"""


def parts(place, program: str, *words: str) -> dict[str, float]:
    """The seconds that a program names, on a store that exists and does not know the run."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(place / "src"),
        "MLFLOW_EXPERIMENT_NAME": f"fresh-{os.urandom(4).hex()}",
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=place, env=environment, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    """Milliseconds."""
    return {name: round(1000 * statistics.median(row[name] for row in rows), 1) for name in rows[0]}


if __name__ == "__main__":
    with clone() as place:
        python(place, "train.py", "conf=baseline")
        (folder,) = place.glob("runs/*-baseline-*")
        cases = {"off, training of 6 s": (OFF, "6"), "off, training of 0 s": (OFF, "0"), "on": (ON,)}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, (program, *words) in cases.items():
                found[name].append(parts(place, program, str(folder), *words))
        for name, rows in found.items():
            tell("MLflow per run", where=name, milliseconds=medians(rows), total=round(sum(medians(rows).values()), 1))
