"""Reproducibility: code, environment, cost, every command, every run that is in no table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from receipts.report import checklists, costs
from receipts.report.model import Report
from receipts.report.technical.markdown import bullets, grid
from receipts.runs.record import Record

FAILED = 50  # failed runs that are spelt out


def reproducibility(report: Report, folder: Path) -> list[str]:
    """Code, environment, cost, every command, every run that is in no table."""
    runs = report.runs
    return [
        "### Code and environment",
        *grid(("", ""), list(environment(runs))),
        "### Cost",
        *cost(report),
        "### Checklists",
        *standing(report, folder),
        "### Checks",
        *checks(runs),
        "### Commands",
        *commands(report),
        "### Runs in no table",
        *left_out(report),
    ]


def environment(runs: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """What the runs share, or all values where they do not."""
    facts = {
        "commit": {run.code.commit for run in runs},
        "core": {f"{run.code.core.version} ({run.code.core.sha256[:12]})" for run in runs},
        "harness": {run.code.harness for run in runs},
        "lock file": {run.identity.lock for run in runs},
        "deterministic kernels": {str(run.world.deterministic) for run in runs},
        "threads": {str(run.world.threads) for run in runs},
    }
    for name, values in facts.items():
        yield name, ", ".join(f"`{value}`" for value in sorted(values))


def cost(report: Report) -> list[str]:
    """What each experiment and all recorded runs took, those that failed included; what open plans will take."""
    took = costs.lines(report)
    told = [note.removeprefix("- ") for note in costs.notes(took[-1], None)]
    return [
        *grid(costs.HEAD, [costs.line(one, None) for one in took]),
        *bullets([*told, *costs.forecasts(report)]),
    ]


def standing(report: Report, folder: Path) -> list[str]:
    """How far the checklists are answered, and what the records answer with No."""
    lines = []
    for one in checklists.answered(report, folder):
        lines.append(f"[{one.title}](checklists/{one.name}.md): {one.standing}.")
        lines += [f"{one.title}, {item.key} {item.title}: **No**. {item.text}" for item in one.refuted]
    return bullets(lines)


def checks(runs: Sequence[Record]) -> list[str]:
    """How often each check passed and failed."""
    verdicts: dict[str, Counter[str]] = {}
    for run in runs:
        for check in run.checks:
            verdicts.setdefault(check.code, Counter())[check.verdict] += 1
    lines = [
        (f"`{code}`", *(counts[verdict] for verdict in ("pass", "fail", "waived", "not run", "not applicable")))
        for code, counts in sorted(verdicts.items())
    ]
    return grid(("check", "pass", "fail", "waived", "not run", "not applicable"), lines) or ["None is recorded."]


def commands(report: Report) -> list[str]:
    """What makes each row again, then what checks it."""
    makes: dict[str, list[str]] = {}
    for receipt in {number.receipt.name: number.receipt for number in report.numbers.values()}.values():
        makes.setdefault(receipt.command, []).append(receipt.name)
    lines = [f"# {', '.join(names)}\n{command}" for command, names in makes.items()]
    last = ["python report.py", "python report.py check=true"]
    return ["Check out the commit, `make env data`, then:", "```sh\n" + "\n".join([*lines, *last]) + "\n```"]


def left_out(report: Report) -> list[str]:
    """Runs that are in no table, each with its reason."""
    found = [entry for entry in report.ledger if not entry.used_in]
    more = f"{len(found) - FAILED} more are in the ledger of `index.html`." if len(found) > FAILED else ""
    lines = [(f"`{entry.run_id}`", entry.state, entry.reason) for entry in found[:FAILED]]
    return [*(grid(("run", "state", "why"), lines) or ["Every recorded run is in a table."]), *([more] if more else [])]
