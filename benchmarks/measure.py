"""Timing of whole commands, in turn: A B A B …, medians and ratios, one JSON line a figure."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
HISTORY = ROOT / "benchmarks" / "history"


@contextmanager
def clone():
    """A clean clone of the project's last commit with its data, whose own src/ is what Python imports."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", ROOT, place], check=True)
        subprocess.run([sys.executable, "-m", "dvc", "pull", "-q"], cwd=place, check=True)
        yield place


def python(place: Path, *words: str, until: str | None = None, code: int = 0) -> tuple[float, float]:
    """Wall and processor seconds of `python WORDS`; with `until`, wall seconds until a line holds that text."""
    environment = {**os.environ, "PYTHONPATH": str(place / "src"), "PYTHONUNBUFFERED": "1"}
    before, began, reached = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), None
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if until is not None and reached is None and until in line:
                reached = time.perf_counter() - began
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    assert process.returncode == code, f"python {' '.join(words)} ended with {process.returncode}:\n{''.join(said)}"
    assert until is None or reached is not None, f"{until!r} never appeared:\n{''.join(said)}"
    return reached or wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(ours: Callable[[int], tuple[float, float]], against: Callable[[int], tuple[float, float]], rounds: int = 7):
    """Both in turn, once to warm up and then `rounds` times: lists of (wall, cpu) seconds."""
    pairs = [(ours(number), against(number)) for number in range(rounds + 1)][1:]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def middle(times: Sequence[tuple[float, float]], column: int = 0) -> float:
    """The median of wall (0) or processor (1) seconds."""
    return statistics.median(entry[column] for entry in times)


def machine() -> str:
    """What a figure was measured on: processor, usable cores, system, Python and torch."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}, torch {version('torch')}"


def tell(figure: str, **values: object) -> None:
    """Print a figure, and keep it outside git, with the machine and its load in the last minute."""
    at, load = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), round(os.getloadavg()[0], 1)
    line = json.dumps({"figure": figure, "at": at, **values, "machine": machine(), "load": load})
    print(line, flush=True)
    HISTORY.mkdir(parents=True, exist_ok=True)
    with (HISTORY / "figures.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
