"""One fit, told and accounted for: what is about to happen, what it cost, which weights were kept."""

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from receipts.config.compose import Experiment
from receipts.config.schema import Config
from receipts.data import declared, manifest
from receipts.data.sealed import Subset, names_of
from receipts.guards import gate
from receipts.guards.data import kept as data_checks
from receipts.guards.data import sealing
from receipts.guards.static import averaging
from receipts.provenance import git, secrets
from receipts.provenance.environment import snapshot
from receipts.refusal import CheckFailed
from receipts.runs import pace, prompts, resuming
from receipts.runs.files import write_atomically
from receipts.runs.log import say
from receipts.runs.record import Cost, World
from receipts.runs.store import Run
from receipts.runs.views import counted
from receipts.training import ranks
from receipts.training.method import Method, Outputs, Site, build_method
from receipts.training.preflight import kept, room


def fit(
    run: Run, method: Method, experiment: Experiment, train: Subset, val: Subset, first_step: Callable[[], None]
) -> None:
    """Fit the method and take the selected weights; the run's record says what was done and what it cost."""
    _, division = manifest.load(experiment.data)
    averages = averaging.keeps_one(experiment)
    run.record.world, run.record.undeclared = method.world(), declared.missing(experiment.config, division, averages)
    run.save()
    store_environment(run, experiment)
    announce(run, method, experiment, train, val)
    module = getattr(method, "module", None)
    found = data_checks.examine(run.record.identity, experiment, division, train, val, module)
    gate.admit(run, experiment.config, [*found, *sealing.audit(train, division)])
    rehearse(run, method, experiment.config, train, val)
    with ranks.started(run, experiment.config, first_step) as site:
        checkpoint = method.fit(train, val, site)
    gate.admit(run, experiment.config, sealing.audit(train, division))
    run.record.stopped, run.record.steps = method.ended(), method.steps()
    method.load(run.folder, checkpoint)
    if experiment.config.facts.deterministic:
        prove_deterministic(method, experiment.config, train, val)
    run.record.checkpoint, run.record.world = checkpoint, method.world()
    run.record.parameters = method.parameters()
    wall, cpu = run.seconds()
    run.record.cost = Cost(round(wall, 3), round(cpu, 3), peak_mib(), method.size(), None)
    run.save()


def rehearse(run: Run, method: Method, config: Config, train: Subset, val: Subset) -> None:
    """Ask what can be known before hours are spent; a failure that nothing waives ends the run here."""
    if not config.sentinels:
        return
    found, slow = kept.read(run.record), ""
    if found is None:
        found = method.rehearse(train, val)
        kept.keep(run.record, found)
        slow = pace.slower(run.record, found.step_s)
    size = method.size()
    spent = [room.within(config.limits.hours, found.eta_s, slow), room.on_disk(run.folder, size), room.in_memory(size)]
    gate.admit(run, config, [*found.checks, *spent])


def store_environment(run: Run, experiment: Experiment) -> None:
    """Leave beside the record what it was made in: environment, prompts, and the difference of a dirty tree."""
    facts, path = snapshot(experiment.config.fit.threads), run.folder / "environment.json"
    if len(run.record.lives) > 1 and path.is_file():
        run.record.warnings += resuming.elsewhere(path, facts)
    store_scrubbed(run, path.name, json.dumps(facts, indent=1, sort_keys=True).encode() + b"\n")
    prompts.keep(run.folder)
    if run.record.code.dirty:
        store_scrubbed(run, "code.patch", git.patch(run.record.code.dirty))


def store_scrubbed(run: Run, name: str, data: bytes) -> None:
    """Write a file without the secrets in it, and say in the record that it is no longer what it was."""
    kept, kinds = secrets.scrub_bytes(data)
    write_atomically(run.folder / name, kept)
    if kinds:
        run.record.removed[name] = kinds
        say(secrets.told(kinds, name))


def announce(run: Run, method: Method, experiment: Experiment, train: Subset, val: Subset) -> None:
    """Say what will run, on what, with which values that differ from the experiment's own file."""
    record, world = run.record, run.record.world
    say(f"run {record.run_id}")
    resuming.told(record)
    if record.purpose:
        say(f"  purpose  {record.purpose}")
    size = "" if method.size() is None else f", {method.size():,} parameters"
    say(f"  method   {experiment.config.model['_target_']}{size} on {world.device}, {counted(world.threads, 'thread')}")
    say(f"  data     {names_of([train, val])} rows of {experiment.dataset} ({record.data.kind})")
    if world.global_batch:
        say(f"  batch    {world.global_batch} samples an optimizer step, {shared(world)}")
    for difference in record.overrides:
        say(f"  differs  {difference}      (from conf/{record.conf}.yaml)")
    for warning in record.warnings:
        say(f"  WARNING  {warning}")


def shared(world: World) -> str:
    """Who learns from the samples of a step."""
    if world.processes == 1:
        return "all in one process"
    where = "" if world.nodes == 1 else f" on {world.nodes} nodes"
    return f"over all {world.processes} processes{where}: the learning rate belongs to the whole batch"


def prove_deterministic(method: Method, config: Config, train: Subset, val: Subset) -> None:
    """Fit once more under another seed: a method declared deterministic must predict exactly the same on val."""
    seed = config.seed + 1
    say(f"  proof    declared deterministic, so it is fitted again under seed {seed}")
    again = build_method(replace(config, seed=seed))
    with TemporaryDirectory() as folder:
        again.load(Path(folder), again.fit(train, val, Site(Path(folder))))
    if not same(method.predict(val), again.predict(val)):
        raise CheckFailed(
            "deterministic",
            "the method is declared deterministic and is not",
            "a second fit under another seed predicted something else on val",
            "take facts.deterministic out, and run several seeds",
        )


def same(one: Outputs, other: Outputs) -> bool:
    """Whether two methods returned the same, to the last bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)


def peak_mib() -> float:
    """The most memory this process has held, in MiB; on a GPU, the most that torch held there if that is more."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    torch = sys.modules.get("torch")
    on_device = torch.cuda.max_memory_allocated() / 2**20 if torch is not None and torch.cuda.is_available() else 0.0
    return round(max(peak, on_device), 1)
