"""Taking an interrupted run up again under its own name: which one, whether it may be, what its record then says."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from receipts.bounds import read_whole, refuse_links
from receipts.config.compose import Experiment, flat, to_config
from receipts.config.project import RUNS
from receipts.config.schema import SWITCHES
from receipts.provenance.identity import hashed
from receipts.refusal import Refusal
from receipts.runs import choice, points, repeat
from receipts.runs.files import write_atomically
from receipts.runs.log import say
from receipts.runs.process import is_stale
from receipts.runs.record import Life, Record

ELSEWHERE = "it went on elsewhere"  # once is enough, whatever comes after it
LAUNCH = {*SWITCHES, "trainer", "limits"}


def named(experiment: Experiment) -> Experiment:
    """The experiment of the run that `resume=RUN` names, where nothing else is asked for but hardware and switches."""
    keys = {word.lstrip("+~").partition("=")[0].partition(".")[0] for word in experiment.typed}
    if experiment.config.resume is None or keys - LAUNCH:
        return experiment
    record = choice.select(experiment.config.resume)
    own = repeat.frozen(record)
    launch = {name: experiment.values[name] for name in (*SWITCHES, *keys)}
    values = {**own.values, **launch}
    return replace(own, config=to_config(values), values=values)


def earlier(found: list[Record], draft: Record, experiment: Experiment) -> Record | None:
    """The run to go on with: the one that `resume` names, else the newest one if it was left behind with a point.

    Raises a `Refusal` where the named one is complete, at work, of another identity, or has nothing to go on from.
    """
    config = experiment.config
    if config.resume is not None:
        return claimed(choice.select(config.resume), draft, experiment)
    if not found or config.rerun or not is_stale(found[0]) or found[0].sentinels != config.sentinels:
        return None
    if left_by(found[0]):
        return found[0]
    if points.found(folder := RUNS / found[0].run_id):
        draft.warnings.append(f"every point in {folder / points.FOLDER} is cut short or damaged: this begins anew")
    return None


def left_by(record: Record) -> Path | None:
    """The newest point of a run that nobody is at work on; refused where its folder is not made of plain files."""
    folder = RUNS / record.run_id
    refuse_links(folder)  # what goes on writes into it
    return points.newest(folder)


def claimed(record: Record, draft: Record, experiment: Experiment) -> Record:
    """A named run, if it can be continued."""
    run_id = record.run_id
    if record.status == "completed":
        raise Refusal(
            f"{run_id} is complete", "there is nothing left to continue", f"receipts show {run_id}      (or rerun=true)"
        )
    if record.status == "running" and not is_stale(record):
        raise Refusal(f"{run_id} is running", "two processes would write into one run", "wait, or end its process")
    refuse_other(record, draft, experiment)
    if record.sentinels != experiment.config.sentinels:
        was = str(record.sentinels).lower()
        raise Refusal(
            f"{run_id} began with sentinels={was}", "half a watch would vouch for the whole", f"sentinels={was}"
        )
    if left_by(record) is None:
        why = "it was interrupted before its first point, or its method has none (estimators)"
        why = "all of its points are cut short or damaged" if points.found(RUNS / run_id) else why
        failed = record.status == "failed"  # one that failed is not tried again by itself
        cure = "the same command with retry=true in place of resume=" if failed else "the same command without resume="
        raise Refusal(f"{run_id} left nothing to continue from", why, f"{cure} starts it anew")
    return record


def refuse_other(record: Record, draft: Record, experiment: Experiment) -> None:
    """A run of other values, code, data or split than today's: the steps to come would belong to another run."""
    then, today = record.identity, draft.identity
    if then.id == today.id:
        return
    if then.config != today.config:
        own = repeat.frozen(record).values
        before, now = (flat(hashed(values)) for values in (own, experiment.values))
        changed = [
            f"{key} was {before.get(key)}, is {now.get(key)}"
            for key in {**before, **now}
            if before.get(key, ...) != now.get(key, ...)
        ]
        cure = f"python train.py resume={record.run_id}      (it takes the values of the run itself)"
        raise Refusal(f"{record.run_id} is a run of other values", repeat.shown(changed), cure)
    files = sorted({**record.data.files, **draft.data.files})
    changes = {
        "code": repeat.changed_code(record, draft.code.lab),
        "lock": ["requirements.lock"],
        "data": [name for name in files if record.data.files.get(name) != draft.data.files.get(name)],
        "split": [record.data.manifest],
    }
    part = next(part for part in changes if getattr(then, part) != getattr(today, part))
    raise Refusal(
        f"the {part} of today is not the {part} of {record.run_id}",
        f"changed: {repeat.shown(changes[part]) or 'files the record does not name'}",
        f"{repeat.cure(record)}; or without resume=, as a run of its own",
    )


def taken_up(record: Record, draft: Record, experiment: Experiment) -> Record:
    """The record of a run that this process goes on with: its name and history stay, what comes is open again."""
    folder = RUNS / record.run_id
    point = points.newest(folder)
    assert point is not None, "claimed without a point"
    if not record.lives:  # written by a core that knew of one only
        record.lives = [Life(record.started, 0, record.process, record.code.commit)]
    last = record.lives[-1]
    last.ended, last.reason = last.ended or record.ended or record.heartbeat, how_it_ended(record)
    record.lives.append(Life(draft.started, points.step_of(point), draft.process, draft.code.commit))
    record.names = list(dict.fromkeys([*record.names, draft.conf]))
    record.status, record.heartbeat, record.process, record.code = "running", draft.started, draft.process, draft.code
    record.ended = record.silent_since = record.failure = record.stopped = None
    record.steps = record.checkpoint = record.cost = None
    record.warnings = [*(told for told in record.warnings if told.startswith(ELSEWHERE)), *draft.warnings]
    record.checks, record.scores, record.blocked_by = draft.checks, [], []
    own = repeat.frozen(record).values | {"trainer": experiment.values["trainer"]}
    write_atomically(folder / "config.yaml", yaml.safe_dump(own, sort_keys=False).encode())
    return record


def elsewhere(path: Path, now: dict[str, Any]) -> list[str]:
    """What of two snapshots of an environment differs that moves last bits: a warning for each. `path` is the first."""
    try:
        before = json.loads(read_whole(path))
        parts = {
            "processor": (before["cpu"]["model"], now["cpu"]["model"]),
            "GPU": (before["gpu"]["models"], now["gpu"]["models"]),
            "Python": (before["python"]["version"], now["python"]["version"]),
        }
        then, today = dict(before["packages"]), now["packages"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Refusal(f"{path} is no environment of a run", str(error), f"move {path} away: it is made anew") from error
    parts |= {name: (then.get(name), today.get(name)) for name in sorted({**then, **today})}
    differ = [f"{name} {was} then, {is_} now" for name, (was, is_) in parts.items() if was != is_]
    return [f"{ELSEWHERE}, so last bits may differ: {repeat.shown(differ)}"] if differ else []


def how_it_ended(record: Record) -> str:
    """What ended the latest life of a run, as far as anybody knows."""
    if record.failure:
        return record.failure.reason
    return "it was stopped" if record.lives[-1].ended else "its process was gone"


def told(record: Record) -> None:
    """Say that a run goes on, and from where."""
    if len(record.lives) > 1:
        last, now = record.lives[-2:]
        before = f"{last.reason}, {last.ended}"
        say(f"  goes on  from training step {now.step} ({before}; rerun=true would start anew)")
