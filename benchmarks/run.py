"""Every figure that this machine can measure, in one table; lines with all details are kept in benchmarks/history.

python benchmarks/run.py                 short: a few minutes each, fewer rounds and smaller sizes
python benchmarks/run.py full            as the README's table; some hours, most of them F7's recording
python benchmarks/run.py only=F1,F2      these alone
python benchmarks/run.py table           nothing is measured: the newest lines of the history
python benchmarks/run.py readme          the same, written into README.md

On an idle machine, please: a figure is a ratio, measured in turn, and still the load moves it.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from figures import markdown, placed, read, rows
from measure import HISTORY, ROOT
from rich.console import Console
from rich.table import Table

MINUTES = 60


@dataclass(frozen=True)
class Benchmark:
    """A script, its words in the short form (None: it has none) and in the full one; what it cannot do without."""

    figures: tuple[str, ...]
    script: str
    short: tuple[str, ...] | None
    full: tuple[str, ...] = ()
    needs: str | None = None
    limit_min: tuple[float, float] = (6, 60)


FASHION = "derived/fashion-mnist/images.npy"
BENCHMARKS = (
    Benchmark(("F1",), "throughput.py", ("F1", "5"), ("F1",), FASHION),
    Benchmark(("F2",), "throughput.py", ("F2", "7"), ("F2", "31"), FASHION),
    Benchmark(("F3",), "sentinels.py", ("5",), ("15",), FASHION),
    Benchmark(("F3",), "sentinels.py", ("baseline", "30"), ("baseline", "60")),
    Benchmark(("F4",), "start.py", ("F4", "3"), ("F4", "7")),
    Benchmark(("F5",), "start.py", ("F5", "3"), ("F5", "7")),
    Benchmark(("F6",), "ablation.py", ("1", "12"), ("5", "4,12,25")),
    Benchmark(("F7",), "report.py", ("300",), limit_min=(10, 240)),
    Benchmark(("F8",), "data_check.py", ("1000", "10000", "0.5g")),
    Benchmark(("F9",), "evaluation.py", ("10000", "100000")),
    Benchmark(("F10",), "gauntlet.py", None),
    Benchmark(("F11",), "prompts.py", ()),
    Benchmark(("F12",), "distributed.py", ()),
)


def measure(benchmark: Benchmark, full: bool) -> str | None:
    """Run one; why there is no figure, where there is none."""
    words, limit = (benchmark.full, benchmark.limit_min[1]) if full else (benchmark.short, benchmark.limit_min[0])
    if not (ROOT / "benchmarks" / benchmark.script).exists():
        return "not built"
    if words is None:
        return "has no short form: python benchmarks/run.py full"
    if benchmark.needs and not (ROOT / benchmark.needs).exists():
        return f"{benchmark.needs} is not there (docs/data.md)"
    try:
        done = subprocess.run(
            [sys.executable, f"benchmarks/{benchmark.script}", *words],
            cwd=ROOT,
            timeout=MINUTES * limit,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {limit:g} minutes"
    last = (done.stderr.strip() or "no word").splitlines()[-1]
    return f"{benchmark.script} ended with {done.returncode}: {last}" if done.returncode else None


def main(words: list[str]) -> None:
    only = next((word.removeprefix("only=").split(",") for word in words if word.startswith("only=")), [])
    console, missing = Console(), {}
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    measuring = not {"table", "readme"} & set(words)
    for benchmark in BENCHMARKS if measuring else ():
        if only and not set(only) & set(benchmark.figures):
            continue
        started, name = time.monotonic(), ", ".join(benchmark.figures)
        console.print(f"{name}  benchmarks/{benchmark.script} …")
        if why := measure(benchmark, "full" in words):
            missing[name] = why
        console.print(f"{name}  {why or 'measured'}  ({time.monotonic() - started:.0f} s)")
    lines = read(HISTORY / "figures.jsonl")
    found = rows([line for line in lines if not measuring or line["at"] >= began], only)
    if "readme" in words:
        readme = Path(ROOT, "README.md")
        readme.write_text(placed(readme.read_text("utf-8"), markdown(rows(lines))), "utf-8")
    table = Table("", "", "measured", "min to max", "goal", "reached", "on")
    for row in found:
        table.add_row(row.figure, row.what, row.value, row.spread, row.goal, row.reached, row.at)
    console.print(table)
    for name, why in missing.items():
        console.print(f"{name}  not measured: {why}")


if __name__ == "__main__":
    main(sys.argv[1:])
