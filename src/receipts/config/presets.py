"""Presets: small files that stack, `preset=[fast,bf16]`; the later one wins, and a note says so."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from omegaconf import OmegaConf

from receipts.config.check import ESTIMATOR_KEYS, is_estimator
from receipts.config.files import files, load_yaml
from receipts.config.schema import Config
from receipts.refusal import Refusal


def chosen(choice: str, typed: Sequence[str]) -> list[str]:
    """The presets chosen, in order; Hydra leaves a list of several out of its choices."""
    listed = next((word for word in reversed(typed) if word.startswith("preset=[")), None)
    found = listed.removeprefix("preset=[").rstrip("]").split(",") if listed else [choice]
    return [name.strip(" '\"").removesuffix(".yaml") for name in found]


def stated(preset: str) -> dict[str, Any]:
    """What a preset's file states, as dotted keys."""
    found = files("preset").get(preset)
    return {} if found is None else dict(dotted(OmegaConf.to_container(load_yaml(found)), ""))


def dotted(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Pairs of dotted key and value; lists stay whole."""
    if not isinstance(node, dict):
        yield prefix, node
        return
    for key, value in node.items():
        yield from dotted(value, f"{prefix}.{key}" if prefix else str(key))


def collisions(presets: Sequence[str]) -> list[str]:
    """One sentence for every key that two presets set differently."""
    return [
        f"presets {first} and {second} both set {key}: {first} says {before[key]}, {second} says {after[key]} and wins"
        for (first, before), (second, after) in combinations([(name, stated(name)) for name in presets], 2)
        for key in before
        if key in after and before[key] != after[key]
    ]


def refuse_for_estimator(presets: Sequence[str], config: Config) -> None:
    """A preset that changes how a module is trained, on an estimator, which is fitted in one call."""
    if not isinstance(config.model, dict) or not is_estimator(config):
        return
    for preset in presets:
        keys = [key for key in stated(preset) if key.startswith("fit.") and key.split(".")[1] not in ESTIMATOR_KEYS]
        if keys:
            raise Refusal(
                f"preset {preset} sets {', '.join(keys)}, which means nothing to {config.model['_target_']}",
                "an estimator is fitted in one call; only fit.threads and fit.train_fraction apply to it",
                f"leave {preset} out of preset=",
            )
