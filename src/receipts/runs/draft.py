"""The first version of a record: all that is known before anything is spent."""

import re
import shlex
import sys

from receipts.config import rungs
from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.provenance import code, git, secrets
from receipts.provenance.identity import method_hash
from receipts.provenance.trace import SYNTHETIC, Sources
from receipts.refusal import Refusal
from receipts.runs.process import now, this_process
from receipts.runs.record import Check, Code, Core, Data, Life, Record, World
from receipts.runs.store import stamped


def of(experiment: Experiment, sources: Sources, warnings: list[str]) -> Record:
    """The record of a run that is about to start."""
    refuse_unnamable(experiment.conf)
    config = experiment.config
    typed, removed = secrets.scrub(command())
    return Record(
        run_id=stamped(experiment.conf, config.seed, sources.identity.id),
        conf=experiment.conf,
        names=[experiment.conf],
        overrides=experiment.overrides,
        preset=experiment.preset,
        limit={name: cap for name, cap in experiment.values["limit"].items() if cap is not None},
        seed=config.seed,
        purpose=config.purpose,
        parent=config.fit.init_from["run"] if config.fit.init_from else None,
        primary=config.task.primary,
        margin=config.task.margin,
        rung=rungs.rung(config),
        method=method_hash(experiment.values),
        deterministic=config.facts.deterministic,
        epochs=planned_epochs(config),
        command=typed,
        removed={"command": removed} if removed else {},
        started=now(),
        heartbeat=now(),
        process=this_process(),
        lives=[Life(now(), 0, this_process(), sources.commit)],
        identity=sources.identity,
        code=code_of(sources),
        data=Data(files=sources.files, dvc=sources.dvc, manifest=sources.manifest.as_posix(), **sources.origin),
        world=World("", config.trainer.world, config.fit.threads, config.fit.precision, None, config.fit.deterministic),
        sentinels=config.sentinels,
        warnings=[*experiment.notes, *warnings],
        checks=waived(experiment, sources),
    )


def refuse_unnamable(conf: str) -> None:
    """An experiment's name that could not stand in a run id."""
    if not re.fullmatch(r"[\w.+]+(-[\w.+]+)*", conf):
        raise Refusal(
            f"conf/{conf}.yaml has a name that cannot become part of a run id",
            "ids are folder names: letters, digits, '_', '.', '+' and single '-'",
            "rename the file",
        )


def code_of(sources: Sources) -> Code:
    """The researcher's code and the core's own."""
    core = Core(code.core_version(), code.core())
    return Code(sources.commit, sources.dirty, sources.repository, core, code.harness(), sources.lab)


def planned_epochs(config: Config) -> int | None:
    """How many epochs training may last; None for a method that has none."""
    caps = [cap for cap in (config.fit.epochs, config.limit.epochs) if cap is not None]
    return min(caps) if config.fit.epochs is not None else None


def waived(experiment: Experiment, sources: Sources) -> list[Check]:
    """What the experiment's own file allows, and why."""
    reason = experiment.config.waive.get(SYNTHETIC)
    if not reason or sources.origin["kind"] == "real":
        return []
    who = f" (waived by {name})" if (name := git.name()) else ""
    return [Check(SYNTHETIC, "waived", f"{reason}{who}", stage="static")]


def command() -> str:
    """The exact command, fit for pasting."""
    return shlex.join(["python", *sys.argv])
