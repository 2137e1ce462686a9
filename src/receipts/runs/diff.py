"""Two runs side by side: what differs between them, what most likely matters first.

Other data or another split make other numbers of the same method, so they come first; then the config, the code, the
environment; who started it and where it was logged come last.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console

from receipts.bounds import read_whole
from receipts.config.schema import NO_NUMBER
from receipts.provenance import git
from receipts.refusal import visible
from receipts.runs import flat
from receipts.runs.process import state
from receipts.runs.record import Record, Score
from receipts.runs.store import folder

GROUPS = ("data and split", "harness", "config", "code", "environment", "launch")  # as they most likely matter
ASKED = ("data", "split", "task", "limit")  # parts of a config that say what is asked
SHOWN = 20  # differences of a group


class Change(NamedTuple):
    """One difference: what it is, in the first run, in the second."""

    name: str
    a: str
    b: str


class Side(NamedTuple):
    """One run: its record, its config by dotted key, its environment by dotted key."""

    record: Record
    config: dict[str, str]
    environment: dict[str, str]


def show(a: Record, b: Record, flips: list[str]) -> None:
    """Print how two runs differ; `flips` tells, line by line, which predictions do."""
    console = Console(width=None if Console().is_terminal else 200, highlight=False, markup=False, soft_wrap=True)
    for name, record in (("A", a), ("B", b)):
        console.print(f"{name}  {record.run_id}  {state(record)}, seed {record.seed}, commit {record.code.commit[:12]}")
    for line in lines(differences(side(a), side(b)), numbers(a, b), flips):
        console.print(visible(line), style="bold" if line and not line.startswith(" ") else None)


def lines(found: dict[str, list[Change]], scores: list[str], flips: list[str]) -> list[str]:
    """The comparison as plain lines: what differs, what does not, the numbers, the predictions."""
    out = []
    for group, changes in found.items():
        if changes:
            out += ["", group.upper(), *(f"  {c.name}: {c.a} → {c.b}" for c in changes[:SHOWN])]
            out += [f"  … and {len(changes) - SHOWN} more"] if len(changes) > SHOWN else []
    same = [group for group, changes in found.items() if not changes]
    out += ["", f"THE SAME: {', '.join(same) or 'nothing'}", "", "NUMBERS"]
    out += [f"  {line}" for line in scores] or ["  no split was scored in both"]
    return [*out, "", "PREDICTIONS", *(f"  {line}" for line in flips or ["no split was scored in both"])]


def side(record: Record) -> Side:
    """What is known of a run beside its record."""
    place = folder(record)
    return Side(record, flat.parameters(place), environment(place))


def environment(place: Path) -> dict[str, str]:
    """A run folder's environment.json by dotted key; nothing where there is none, or none that can be read."""
    try:
        return plain(json.loads(read_whole(place / "environment.json")))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}


def differences(a: Side, b: Side) -> dict[str, list[Change]]:
    """Every difference of two runs, by group."""
    config = changed(a.config, b.config)
    first = [change.name.split(".")[0] for change in config]
    parts = list(zip(first, config, strict=True))
    return {
        "data and split": [*data(a.record, b.record), *(change for part, change in parts if part in ASKED)],
        "harness": [*changed(harness(a.record), harness(b.record)), *own_metrics(config)],
        "config": [change for part, change in parts if part not in (*ASKED, *NO_NUMBER, "metrics")],
        "code": code(a.record, b.record),
        "environment": [*changed(world(a.record), world(b.record)), *changed(a.environment, b.environment)],
        "launch": [
            *(change for part, change in parts if part in NO_NUMBER),
            *changed(launch(a.record), launch(b.record)),
        ],
    }


def changed(a: dict[str, str], b: dict[str, str]) -> list[Change]:
    """The keys whose values differ, in order; a missing one is `—`."""
    return [Change(key, a.get(key, "—"), b.get(key, "—")) for key in {**a, **b} if a.get(key) != b.get(key)]


def plain(facts: Any) -> dict[str, str]:
    """Nested facts by dotted key, as text."""
    return {key: flat.plain(value) for key, value in flat.flatten(facts)} if facts else {}


def data(a: Record, b: Record) -> list[Change]:
    """The dataset's files, version and kind, and the split manifest."""
    found = changed(plain(msgspec.structs.asdict(a.data)), plain(msgspec.structs.asdict(b.data)))
    if a.identity.split != b.identity.split:
        found.append(Change("split manifest", a.identity.split[:12], b.identity.split[:12]))
    return found


def harness(record: Record) -> dict[str, str]:
    """By which harness, and by which sources of own metrics, each split was scored last."""
    found = {}
    for split in dict.fromkeys(score.split for score in record.scores):
        score = record.score(split)
        assert score is not None
        found[split] = score.harness[:12]
        found |= {f"{split} {name}": checksum[:12] for name, checksum in score.own.items()}
    return found


def code(a: Record, b: Record) -> list[Change]:
    """Files of src/lab, the core, and what git says lies between the two commits."""
    ours, theirs = ({name: checksum[:12] for name, checksum in side.code.lab.items()} for side in (a, b))
    found = changed(ours, theirs)
    core = [f"{side.code.core.version} {side.code.core.sha256[:12]}" for side in (a, b)]
    found += [Change("the core", *core)] if core[0] != core[1] else []
    if a.code.commit != b.code.commit:
        names = git.between(a.code.commit, b.code.commit, git.WATCHED)
        told = "git knows one of them no longer" if names is None else ", ".join(names) or "nothing that a run reads"
        found.append(Change("commit", a.code.commit[:12], f"{b.code.commit[:12]} ({told})"))
    dirt = [", ".join(side.code.dirty) or "clean" for side in (a, b)]
    return found + ([Change("uncommitted", *dirt)] if dirt[0] != dirt[1] or a.code.dirty else [])


def own_metrics(config: list[Change]) -> list[Change]:
    """How the researcher's own metrics are declared; their worked examples change no number."""
    return [change for change in config if change.name.startswith("metrics.") and ".example." not in change.name]


def world(record: Record) -> dict[str, str]:
    """What a run computed on, without the seeds, flags and rates that stand elsewhere."""
    facts = msgspec.structs.asdict(record.world)
    return plain({key: value for key, value in facts.items() if key not in ("seeds", "backend", "learning_rates")}) | {
        "requirements.lock": record.identity.lock[:12]
    }


def launch(record: Record) -> dict[str, str]:
    """How it was asked for."""
    return {"conf": record.conf, "preset": "+".join(record.preset), "command": record.command}


def numbers(a: Record, b: Record) -> list[str]:
    """Every metric of every split that both have, with its change."""
    found = []
    for split in dict.fromkeys(score.split for score in a.scores):
        one, other = a.score(split), b.score(split)
        if one is not None and other is not None:
            found += [f"{split} {name} {step(one, other, name)}" for name in one.metrics if name in other.metrics]
    return found


def step(a: Score, b: Score, name: str) -> str:
    """One metric, then and now."""
    values = [score.metrics[name].value for score in (a, b)]
    shown = " → ".join("undefined" if value is None else f"{value:.4f}" for value in values)
    first, second = values
    return shown if first is None or second is None else f"{shown} ({second - first:+.4f})"
