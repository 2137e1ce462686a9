"""Taking a recorded run up again: its experiment from its own config, refused when anything it rests on has changed."""

from dataclasses import asdict
from pathlib import Path

import yaml

from receipts.config.compose import Experiment, to_config
from receipts.config.files import read_yaml
from receipts.config.project import RUNS
from receipts.provenance import code, git
from receipts.provenance.trace import Sources
from receipts.refusal import Refusal
from receipts.runs.record import Record


def experiment_of(record: Record) -> Experiment:
    """The experiment of a completed run."""
    if record.status != "completed":
        raise Refusal(
            f"{record.run_id} is not complete", f"its status is {record.status}", f"receipts show {record.run_id}"
        )
    return frozen(record)


def frozen(record: Record, runs: Path = RUNS) -> Experiment:
    """The experiment of a run, from the config beside its record: never from the command line."""
    path = runs / record.run_id / "config.yaml"
    try:
        values = read_yaml(path)
    except FileNotFoundError as error:
        raise Refusal(f"{path} is missing", "it says what the run was", "restore it from MLflow or a backup") from error
    except (yaml.YAMLError, ValueError) as error:
        raise Refusal(f"{path} cannot be read", str(error), "restore it from MLflow or a backup") from error
    if not isinstance(values, dict):
        raise Refusal(f"{path} is not a config", "it holds no mapping", "restore it from MLflow or a backup")
    try:
        config = to_config(values)
    except Refusal as error:
        why = error.why.removeprefix("the command line: ")  # which is where values come from otherwise
        raise Refusal(f"{path}: {error.what}", why, "restore it from MLflow or a backup") from error
    config.on_end = None  # a command of whoever launched that run, not of whoever takes it up again
    dataset = record.data.name.removesuffix(f"-fold{config.split.fold}")
    return Experiment(config, asdict(config), record.conf, record.preset, dataset, record.overrides)


def refuse_changed(record: Record, sources: Sources) -> None:
    """The run's code, data, split, config and harness against those of today; a difference is named by file."""
    then, today = record.identity, sources.identity
    if record.code.harness != code.harness():
        raise Refusal(
            "the evaluation harness is not the one this run was scored with",
            f"core {record.code.core.version} then, {code.core_version()} now; one table cannot hold both",
            cure(record),
        )
    changed = {
        "config": [f"runs/{record.run_id}/config.yaml"],
        "code": changed_code(record, sources.lab),
        "lock": ["requirements.lock"],
        "data": sorted(
            name
            for name in {**record.data.files, **sources.files}
            if record.data.files.get(name) != sources.files.get(name)
        ),
        "split": [record.data.manifest],
    }
    for part, names in changed.items():
        if getattr(then, part) != getattr(today, part):
            raise Refusal(
                f"the {part} of today is not the {part} of {record.run_id}",
                f"changed: {shown(names) or 'files the record does not name'}",
                "restore it from MLflow or a backup" if part == "config" else cure(record),
            )


def cure(record: Record) -> str:
    """How to get back to the code, data and split of a run."""
    return f"git stash && git checkout {record.code.commit[:12]}      (then again; and `git checkout -` to return)"


def changed_code(record: Record, now: dict[str, str]) -> list[str]:
    """Files of src/lab that differ from the record's, and files of the core that differ from its commit."""
    lab = sorted(name for name in {**record.code.lab, **now} if record.code.lab.get(name) != now.get(name))
    core = git.changed_since(record.code.commit, ["src/receipts", "train.py"])
    return lab + [name for name in core if code.can_move_numbers(name)]


def shown(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
