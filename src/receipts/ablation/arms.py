"""The arms of a plan: what was typed or declared, composed, and proved to differ in that and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from receipts.ablation import proof
from receipts.ablation.proof import Composed
from receipts.config import compose, entry, project
from receipts.config.compose import Experiment
from receipts.config.questions import Ablating
from receipts.config.schema import Ablation
from receipts.refusal import Refusal
from receipts.runs.plans import Arm, Kind

TAKEN = ("rerun", "wait", "retry", "resume")  # launch switches that a plan decides on by itself


@dataclass(frozen=True)
class Variant:
    """An arm, its experiment under the first seed, and the words with which train.py would compose it."""

    arm: Arm
    composed: Composed
    words: tuple[str, ...]

    @property
    def experiment(self) -> Experiment:
        """The experiment under the first seed."""
        return self.composed.experiment


@dataclass(frozen=True)
class Question:
    """What a plan asks: of which kind, over which key (sweeps), in which arms, the reference first."""

    kind: Kind
    variants: list[Variant]
    key: str = ""

    @property
    def reference(self) -> Variant:
        """The first arm."""
        return self.variants[0]


def question(asked: Ablating) -> Question:
    """The arms that the words ask for, or that the experiment's file declares, or the experiment alone."""
    refuse_unclear(asked)
    confs = [name.removesuffix(".yaml") for name in asked.conf] or [project.settings().conf]
    if len(confs) > 1:
        refuse_repeated("conf", confs)
        return Question("comparison", [variant(conf, asked.words, conf) for conf in confs])
    reference = variant(confs[0], asked.words, confs[0])
    if asked.sweep:
        key, values = swept(asked.sweep)
        arms = [against(reference, f"{key}={value}", [f"{key}={value}"], sweep=True) for value in values]
        others = [arm for arm in arms if arm is not reference]
        return Question("sweep", [reference, *others], key)
    declared = reference.experiment.config.ablations
    if asked.override:
        refuse_repeated("override", asked.override)
        return Question("ablations", [reference, *(typed(reference, word, declared) for word in asked.override)])
    if declared:
        return Question("ablations", [reference, *(stated(reference, name, arm) for name, arm in declared.items())])
    return Question("seeds", [reference])


def refuse_unclear(asked: Ablating) -> None:
    """Words that ask two questions at once, or none."""
    given = [name for name, is_asked in {
        "override=": asked.override,
        "sweep=": asked.sweep,
        "conf=a,b": len(asked.conf) > 1,
    }.items() if is_asked]  # fmt: skip
    if len(given) > 1:
        raise Refusal(
            f"{' and '.join(given)} are two questions", "a plan compares along one line", "one of them at a time"
        )
    for name, value, least in (("seeds", asked.seeds, 1), ("folds", asked.folds, 2), ("workers", asked.workers, 1)):
        if value is not None and value < least:
            raise Refusal(f"{name} is {value}", f"the least that makes sense is {least}", f"correct {name}")
    for word in asked.words:
        key, equals, _ = word.partition("=")
        if key in TAKEN:
            raise Refusal(
                f"{word} means nothing to a plan",
                "it skips what is finished and waits for what runs elsewhere, or restarting it would lose runs",
                "leave it out      (one run again: python train.py … rerun=true)",
            )
        if not equals and not key.startswith("~"):
            raise Refusal(f"the word {word!r} means nothing", "settings are words of the form key=value", "correct it")


def refuse_repeated(name: str, values: Sequence[str]) -> None:
    """One arm asked for twice."""
    if again := [value for value in dict.fromkeys(values) if list(values).count(value) > 1]:
        raise Refusal(f"{name} names {again[0]} twice", "two equal arms have one result", f"name {again[0]} once")


def variant(conf: str, shared: Sequence[str], name: str) -> Variant:
    """An experiment as its file states it, but for the words that all arms share."""
    words = (f"conf={conf}", *shared)
    composed = Composed(*compose.composed(words))
    is_fixed = composed.experiment.config.facts.deterministic
    return Variant(Arm(name, conf, deterministic=is_fixed), composed, words)


def typed(reference: Variant, word: str, declared: dict[str, Ablation]) -> Variant:
    """An arm from the command line; one that the file declares as well keeps what is declared of it."""
    for name, arm in declared.items():
        if arm.override == [word]:
            return stated(reference, name, arm)
    return against(reference, word, [word])


def stated(reference: Variant, name: str, declared: Ablation) -> Variant:
    """An arm as `ablations:` declares it, with what is expected of it."""
    if not declared.override:
        raise Refusal(
            f"ablations.{name} overrides nothing", "it would be the reference", "state its override, or take it out"
        )
    found = against(reference, name, declared.override, joint=True)
    found.arm.hypothesis, found.arm.expect, found.arm.if_null = declared.hypothesis, declared.expect, declared.if_null
    return found


def against(reference: Variant, name: str, changes: Sequence[str], joint: bool = False, sweep: bool = False) -> Variant:
    """The reference with some changes, and the proof that these are all; in a sweep its own value is the reference."""
    for word in changes:
        proof.keys_of(word)  # refused before Hydra meets it
    words = (*reference.words, *changes)
    composed = Composed(*compose.composed(words))
    if sweep and not proof.difference(reference.experiment.values, composed.experiment.values):
        return reference
    found = proof.prove(reference.composed, composed, changes, name)
    if not joint:
        proof.refuse_joint(found, changes[0])
    is_fixed = composed.experiment.config.facts.deterministic
    arm = Arm(name, reference.arm.conf, list(changes), found.difference, found.follows, deterministic=is_fixed)
    return Variant(arm, composed, words)


def swept(text: str) -> tuple[str, list[str]]:
    """The key and the values of a sweep."""
    key, equals, value = text.partition("=")
    values = entry.split(value)
    if not equals or not key:
        raise Refusal(f"sweep={text} names no values", "a sweep turns one key", "'sweep=fit.batch_size=[32,64]'")
    refuse_repeated(f"sweep={key}", values)
    if len(values) < 2:
        raise Refusal(
            f"sweep={text} has {len(values) or 'no'} value{'s' if len(values) != 1 else ''}",
            "a curve needs two points at least",
            f"'sweep={key}=[v1,v2,…]'      (one other value is an arm: override={key}=VALUE)",
        )
    return key, values
