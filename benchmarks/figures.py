"""What the benchmarks have to show: each figure, where its line says so, its goal; the table of the newest lines."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Line = Mapping[str, Any]
BEGIN, END = "<!-- figures: python benchmarks/run.py readme -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Figure:
    """One row. `of` is the name in a line, `where` what else it must say, `each` the field that makes rows apart.

    `value` and `spread` name the fields; the goal is a bound, reached from `above` or from below, and set for sizes
    from `since` on: smaller ones are there to show how a figure grows. A figure without a goal is told and no more.
    """

    of: str
    what: str
    value: str
    goal: float | None
    above: bool
    unit: str = "×"
    spread: str = "ratios"
    where: Mapping[str, str] = field(default_factory=dict)
    each: str | None = None
    since: float = 0

    def fits(self, line: Line) -> bool:
        """Whether a line is about this figure."""
        said = line["figure"] == self.of and self.value in line
        return said and all(line.get(key) == value for key, value in self.where.items())

    def has_goal(self, line: Line) -> bool:
        """Whether there is a goal, and it is set for this line's size."""
        size = line.get(self.each or "")
        return self.goal is not None and not (isinstance(size, int) and size < self.since)

    def reached(self, value: float) -> bool:
        """Whether a value is on the right side of the goal."""
        assert self.goal is not None, "there is nothing to reach"
        return value >= self.goal if self.above else value <= self.goal


FIGURES = (
    Figure("F1", "training a small CNN, against a plain loop with DataLoader", "ratio", 1.0, True),
    Figure(
        "F2", "training an MLP, against the same with DataLoader", "ratio", 1.2, True, where={"against": "dataloader"}
    ),
    Figure(
        "F2", "training an MLP, against the same on sliced tensors", "ratio", 0.8, True, where={"against": "sliced"}
    ),
    Figure("F3", "the small CNN with sentinels, against without", "ratio", 0.98, True, where={"conf": "fashion_cnn"}),
    Figure(
        "F3",
        "epochs of a tenth of a second with sentinels, against without",
        "ratio",
        None,
        True,
        where={"conf": "baseline"},
    ),
    Figure("F4", "time to the first step, against `import lightning.pytorch`", "ratio", 1.5, False),
    Figure("F5 skip", "skip of a finished run, beyond `import hydra`", "more", 0.5, False, "s", "mores"),
    Figure("F5 refusal", "refusal of a bad config, beyond `import hydra`", "more", 0.5, False, "s", "mores"),
    Figure("F5 help", "`--help`, beyond `import hydra`", "more", 0.5, False, "s", "mores"),
    Figure("F6", "ablation of {} cells, against as many launches", "ratio", 3.0, True, each="cells"),
    Figure("F6", "ablation: time grows with cells to the power of", "exponent", 1.1, False, ""),
    Figure(
        "F7", "report over {} runs, against `mlflow.search_runs`", "times_faster", 10.0, True, each="runs", since=10_000
    ),
    Figure("F7", "report: time grows with runs to the power of", "exponent", 1.1, False, ""),
    Figure("F8", "first look at data, {}, against DVC", "first", 1.0, True, each="size"),
    Figure("F8", "second look at data, {}, against DVC's second", "second", 20.0, True, each="size"),
    Figure("F8", "second look at data, {}, against DVC's first", "against_reading", None, True, each="size"),
    Figure("F9", "evaluation of {} predictions, against by hand", "ratio", 2.0, False, each="rows", since=1_000_000),
    Figure("F9 growth", "evaluation: time grows with predictions to the power of", "exponent", 1.1, False, ""),
    Figure("F10", "gauntlet, against one full training", "ratio", 12.0, False),
    Figure("F12", "two processes, against one, the same global batch", "ratio", None, True),
)


@dataclass(frozen=True)
class Row:
    """A figure as it was last measured."""

    figure: str
    what: str
    value: str
    spread: str
    goal: str
    reached: str
    at: str
    machine: str


def read(path: Path) -> list[dict[str, Any]]:
    """Every line of a history, oldest first; none where nothing has been measured."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def rows(lines: Iterable[Line], only: Iterable[str] = ()) -> list[Row]:
    """The newest line of every figure, in the order of figures and then of size; `only` names some (F1, F2 …)."""
    lines, wanted = list(lines), set(only)
    found = []
    for figure in FIGURES:
        if wanted and figure.of.split()[0] not in wanted:
            continue
        newest = {str(line.get(figure.each)): line for line in lines if figure.fits(line)}
        found += [row(figure, newest[size]) for size in sorted(newest, key=magnitude)]
    return found


def row(figure: Figure, line: Line) -> Row:
    """One line as a row."""
    value, among = float(line[figure.value]), [float(each) for each in line.get(figure.spread, [])]
    bound = figure.has_goal(line)
    size = f"{line[figure.each]:,}" if isinstance(line.get(figure.each or ""), int) else line.get(figure.each or "")
    return Row(
        figure.of.split()[0],
        figure.what.format(size),
        shown(value, figure.unit),
        f"{shown(min(among), '')} to {shown(max(among), '')}" if among else "",
        f"{'≥' if figure.above else '≤'} {figure.goal:g} {figure.unit}".strip() if bound else "",
        ("yes" if figure.reached(value) else "no") if bound else "",
        str(line["at"])[:10],
        str(line.get("machine", "not noted")),
    )


def shown(value: float, unit: str) -> str:
    """A value as people read it."""
    return f"{value:.3g} {unit}".strip() if abs(value) < 100 else f"{value:,.0f} {unit}".strip()


def magnitude(size: str) -> tuple[bool, float, str]:
    """How sizes are ordered: numbers by size, gigabytes after them."""
    number = size.rstrip("g")
    return (size.endswith("g"), float(number), size) if number.replace(".", "", 1).isdigit() else (True, 0.0, size)


def markdown(found: list[Row]) -> str:
    """A table, with the machines and days below."""
    head = ["| | | measured | min to max | goal | reached |", "|---|---|---|---|---|---|"]
    body = [f"| {row.figure} | {row.what} | {row.value} | {row.spread} | {row.goal} | {row.reached} |" for row in found]
    machines: dict[str, set[str]] = {}
    for one in found:
        machines.setdefault(one.machine, set()).add(one.at)
    told = [f"{name}: {' and '.join(sorted(days)[:: max(len(days) - 1, 1)])}" for name, days in machines.items()]
    return "\n".join([*head, *body, "", f"Measured on {'; '.join(told)}." if told else "Nothing has been measured."])


def placed(text: str, table: str) -> str:
    """A text with the table between its two markers, in place of what stood there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the two markers {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
