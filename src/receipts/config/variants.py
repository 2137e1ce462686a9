"""Variants: what an experiment that names another in its `defaults` inherits, and what it may not.

Hydra merges whole files. A purpose and ablations belong to the file that states them, and the arguments of one class
must never reach another.
"""

from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf

from receipts.config.files import files, load_yaml
from receipts.refusal import Refusal

OWN: dict[str, Any] = {"purpose": "", "ablations": {}}


def not_inherited(conf: str, typed: Sequence[str]) -> dict[str, Any]:
    """Purpose and ablations as the experiment's own file states them, unless the command line did."""
    own = OmegaConf.to_container(load_yaml(files("conf")[conf]))
    assert isinstance(own, dict)
    asked = {word.lstrip("+").split("=")[0].split(".")[0] for word in typed}
    return {key: own.get(key, empty) for key, empty in OWN.items() if key not in asked}


def refuse_exchanged_class(conf: str, typed: Sequence[str]) -> None:
    """A class exchanged by a variant or on the command line would keep the other class's arguments."""
    for key in ("model", "data"):
        if any(word.lstrip("+").startswith(f"{key}._target_=") for word in typed):
            raise Refusal(
                f"{key}._target_ cannot be exchanged on the command line",
                "the new class would inherit the arguments of the old one",
                f"write a file of its own for it: conf/{'data/' if key == 'data' else ''}NAME.yaml",
            )
    target = stated_class(conf)
    for parent in parents(conf):
        inherited = inherited_class(parent)
        if target is not None and inherited not in (None, target):
            raise Refusal(
                f"conf/{conf}.yaml exchanges model._target_ and inherits arguments",
                f"{parent} builds {inherited} and {conf} builds {target}; the arguments of one would reach the other",
                f"give conf/{conf}.yaml a model of its own and take {parent} out of its defaults",
            )


def stated_class(conf: str) -> str | None:
    """The class that an experiment's own file names."""
    model = load_yaml(files("conf")[conf]).get("model") or {}
    target = model.get("_target_")
    return None if target is None else str(target)


def parents(conf: str) -> list[str]:
    """The experiments that an experiment's file names in its `defaults`."""
    entries = [entry for entry in load_yaml(files("conf")[conf]).get("defaults", []) if isinstance(entry, str)]
    stems = [entry.removeprefix("/conf/").split("@")[0].removesuffix(".yaml") for entry in entries]
    return [stem for stem in stems if stem in files("conf")]


def inherited_class(conf: str) -> str | None:
    """The class that an experiment builds, by its own file or the nearest of those above it."""
    return stated_class(conf) or next((found for above in parents(conf) if (found := inherited_class(above))), None)
