"""From arms to cells: every arm under the same seeds (and folds), each with its identity, before anything runs."""

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import yaml

from receipts.ablation.arms import Question, Variant
from receipts.bounds import confine, read_whole
from receipts.config import compose, division
from receipts.config.check import is_estimator
from receipts.config.compose import Experiment
from receipts.config.devices import gpus
from receipts.config.files import read_yaml
from receipts.config.questions import Ablating
from receipts.config.schema import Config
from receipts.data import manifest
from receipts.guards.gate import validate
from receipts.provenance import code, git
from receipts.provenance.identity import identify
from receipts.provenance.trace import refuse_unfit, trace
from receipts.refusal import Refusal
from receipts.runs import ancestry, plans
from receipts.runs.draft import planned_epochs
from receipts.runs.files import sweep, write_atomically
from receipts.runs.plans import HALF, PLANS, Arm, Cell, Plan
from receipts.runs.process import now

SEEDS = 5


@dataclass(frozen=True)
class Planned:
    """A plan and the experiment of each of its cells, in their order."""

    plan: Plan
    experiments: list[Experiment]

    @property
    def folder(self) -> Path:
        """Where the plan lies, or will."""
        return plans.folder(self.plan)


def planned(asked: Ablating, question: Question) -> Planned:
    """The plan of a question; one that was made before, cell by cell the same, is that one again."""
    folds: Sequence[int | None] = [None] if asked.folds is None else range(asked.folds)
    first = question.reference.experiment.config.seed
    seeds = list(range(first, first + (asked.seeds or (SEEDS if asked.folds is None else 1))))
    found = [entry for fold in folds for entry in cells(question, seeds, fold, asked.folds)]
    arms = [variant.arm for variant in question.variants]
    refuse_same(arms, found)
    texts = b"\n".join(experiment.text for _, experiment in found)
    for number, (cell, _) in enumerate(found):
        cell.config = f"cells/{number:04d}.yaml"
    conf = question.reference.arm.conf
    plan = Plan(
        plan_id="",
        conf=conf,
        kind="folds" if asked.folds else question.kind,
        key=question.key,
        command=command(asked),
        created=now(),
        commit=git.commit(),
        seeds=seeds,
        folds=asked.folds,
        shared=shared([variant.experiment for variant in question.variants]),
        exploratory=any(arm.overrides and not arm.hypothesis for arm in arms),
        arms=arms,
        cells=[cell for cell, _ in found],
    )
    digest = code.sha256(msgspec.json.encode([plan.kind, plan.key, plan.arms, plan.cells]) + texts)[:8]
    before = sorted(PLANS.glob(f"*-{conf}-{digest}/plan.json"))
    if before:
        mine, plan = plan.cells, plans.read(before[-1].parent)
        if mine != [msgspec.structs.replace(cell, run_id=None) for cell in plan.cells]:
            raise is_altered(before[-1])
    else:
        plan.plan_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{conf}-{digest}"
    return Planned(plan, [experiment for _, experiment in found])


def command(asked: Ablating) -> str:
    """The command that finds this plan again, fit for pasting."""
    words = {
        "conf": ",".join(asked.conf),
        "override": f"[{','.join(asked.override)}]" if asked.override else "",
        "sweep": asked.sweep,
        "seeds": asked.seeds,
        "folds": asked.folds,
        "test": "true" if asked.test else "",
    }
    return shlex.join(
        ["python", "ablate.py", *(f"{key}={value}" for key, value in words.items() if value), *asked.words]
    )


def cells(
    question: Question, seeds: Sequence[int], fold: int | None, folds: int | None
) -> Iterator[tuple[Cell, Experiment]]:
    """Every arm under every seed, seed by seed, so that whatever is interrupted leaves whole pairs.

    A deterministic method is one cell, under the first seed.
    """
    examined = [Examined(variant, fold, folds) for variant in question.variants]
    for seed in seeds:
        for each in examined:
            if seed == seeds[0] or not each.variant.arm.deterministic:
                yield each.cell(seed)


class Examined:
    """An arm (in one fold) that was checked and traced as train.py does it, ready to be given seeds."""

    def __init__(self, variant: Variant, fold: int | None, folds: int | None) -> None:
        self.variant, self.fold = variant, fold
        self.words, self.base, self.written = variant.words, variant.experiment, variant.composed.written
        if fold is not None and folds is not None:
            self.words += division.words(division.folded(self.base.config.split, folds, fold))
            self.base, self.written = compose.composed(self.words)
        experiment, config = ancestry.rooted(self.base)
        validate(config)
        self.path, self.division = manifest.load(experiment.data)
        manifest.suspicious(self.division, experiment)
        sources = trace(experiment.values, self.division.files, self.division.origin, self.path)
        refuse_unfit(sources, experiment)
        self.lab, self.bytes = sources.lab, self.path.read_bytes()
        self.own_seed = compose.compose(f"conf={experiment.conf}").config.seed

    def cell(self, seed: int) -> tuple[Cell, Experiment]:
        """The cell of one seed, and its experiment."""
        words = [*(word for word in self.words if not word.startswith("seed=")), f"seed={seed}"]
        experiment, _ = ancestry.rooted(self.seeded(seed, words))
        identity = identify(experiment.values, self.lab, self.division.files, self.bytes)
        return Cell(
            arm=self.variant.arm.name,
            seed=seed,
            config="",
            identity=identity.id,
            fold=self.fold,
            words=words,
            dataset=experiment.dataset,
            preset=experiment.preset,
            overrides=experiment.overrides,
            notes=experiment.notes,
        ), experiment

    def seeded(self, seed: int, words: Sequence[str]) -> Experiment:
        """The arm under another seed: composed anew only where something is written in terms of the seed."""
        if "seed}" in repr(self.written):
            return compose.compose(*words)
        values = {**self.base.values, "seed": seed}
        others = [text for text in self.base.overrides if not text.startswith("seed=")]
        changed = [] if seed == self.own_seed else [f"seed={seed}"]
        return replace(
            self.base, config=replace(self.base.config, seed=seed), values=values, overrides=[*changed, *others]
        )


def refuse_same(arms: Sequence[Arm], found: Sequence[tuple[Cell, Experiment]]) -> None:
    """Two arms that no number could tell apart."""
    for one, other in combinations([arm for arm in arms if arm.difference], 2):
        if one.difference == other.difference:
            raise Refusal(
                f"the arms {one.name} and {other.name} are the same",
                f"both change {', '.join(f'{key} to {values[1]}' for key, values in one.difference.items())}",
                f"leave {other.name} out",
            )
    seen: dict[str, str] = {}
    for cell, _ in found:
        first = seen.setdefault(cell.identity, cell.arm)
        if first != cell.arm:
            raise Refusal(
                f"the arms {first} and {cell.arm} are one and the same run",
                "they differ in nothing that can move a number (hardware, purpose and switches do not)",
                f"leave {cell.arm} out",
            )


def shared(experiments: Sequence[Experiment]) -> dict[str, Any]:
    """What all arms have in common of budget and circumstances: the caption of a table prints it."""
    every = [circumstances(experiment) for experiment in experiments]
    return {key: value for key, value in every[0].items() if all(other.get(key, ...) == value for other in every)}


def circumstances(experiment: Experiment) -> dict[str, Any]:
    """Budget and circumstances of one experiment, as far as it states them."""
    config = experiment.config
    rows = experiment.values["limit"]["rows"]
    facts = {
        "epochs": planned_epochs(config),
        "batch_size": config.fit.batch_size,
        "max_minutes": config.fit.max_minutes,
        "patience": config.fit.select.patience,
        "preset": "+".join(experiment.preset),
        "rows": rows,
        "device": device(config),
        "processes": config.trainer.processes,
        "threads": config.fit.threads,
        "data": experiment.dataset,
    }
    return {key: value for key, value in facts.items() if value is not None}


def device(config: Config) -> str:
    """The kind of device that an experiment will compute on here."""
    on_gpu = config.trainer.accelerator != "cpu" and not is_estimator(config) and gpus() > 0
    return "gpu" if on_gpu else "cpu"


def freeze(found: Planned) -> None:
    """Write the plan and every cell's resolved config, all or nothing; what already lies there must be the same."""
    with plans.changing():
        if found.folder.exists():
            sweep(found.folder)
            fill(found.folder, found)
            return
        made = Path(tempfile.mkdtemp(prefix=HALF, dir=PLANS.parent))
        made.chmod(0o755)
        fill(made, found)
        made.rename(found.folder)


def fill(folder: Path, found: Planned) -> None:
    """Write what a plan's folder lacks."""
    for cell, experiment in zip(found.plan.cells, found.experiments, strict=True):
        path = confine(folder, cell.config)
        if not path.is_file():
            write_atomically(path, experiment.text)
        elif read_whole(path) != experiment.text:
            raise is_altered(path)
    if not (folder / "plan.json").is_file():
        write_atomically(folder / "plan.json", plans.encode(found.plan))


def is_altered(path: Path) -> Refusal:
    """A plan's folder that somebody else wrote, or wrote to: its cells would run what nobody here asked for."""
    return Refusal(
        f"{path} is not what this command writes there",
        "a plan is found by what it asks; this file asks something else",
        f"move {PLANS}/{path.relative_to(PLANS).parts[0]} away      (the runs stay)",
    )


def save(plan: Plan) -> None:
    """Write a plan as it stands."""
    with plans.changing():
        write_atomically(plans.folder(plan) / "plan.json", plans.encode(plan))


def thaw(folder: Path, plan: Plan, cell: Cell) -> Experiment:
    """The experiment of a cell, from its frozen config."""
    path = confine(folder, cell.config)
    try:
        values = read_yaml(path)
        if not isinstance(values, dict):
            raise ValueError("it holds no mapping")
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise Refusal(f"{path} cannot be read", str(error), f"move {folder} away; its runs stay") from error
    conf = next(arm.conf for arm in plan.arms if arm.name == cell.arm)
    config = compose.to_config(values)
    return Experiment(config, values, conf, cell.preset, cell.dataset, cell.overrides, cell.notes)
