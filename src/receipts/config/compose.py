"""From a command line to one typed experiment: Hydra composes, this file tells it where things are.

The schema is Hydra's primary config; every YAML file of the project is registered in its ConfigStore, so no file
needs a package header and unknown keys are refused wherever they come from.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from receipts.bounds import LONGEST
from receipts.config import presets, project, variants
from receipts.config.devices import gpus
from receipts.config.explain import explain, into_list, unknown_option
from receipts.config.files import files, load_yaml
from receipts.config.schema import NO_NUMBER, Config, Split, Task
from receipts.refusal import Refusal

GROUPS = {"conf": "_global_", "data": "_global_", "preset": "_global_", "trainer": "trainer"}

HYDRA = {
    "run": {"dir": "."},
    "output_subdir": None,
    "sweep": {"dir": "multirun", "subdir": "."},
    "job": {"chdir": False},
}
QUIET = [{"override hydra/job_logging": "none"}, {"override hydra/hydra_logging": "none"}]


def primary(schema: type, groups: Sequence[dict[str, str]] = ()) -> DictConfig:
    """A schema as Hydra's primary config. `_self_` comes first, or its defaults would beat every file."""
    node = OmegaConf.structured(schema)
    with open_dict(node):
        node.defaults = ["_self_", *groups, *QUIET]
        node.hydra = HYDRA
    assert isinstance(node, DictConfig)
    return node


@dataclass(frozen=True)
class DataPlan:
    """What a file of `conf/data/` states: the dataset's constructor call, its division and what is asked of it."""

    name: str
    call: dict[str, Any]
    split: Split
    task: Task
    transforms: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Experiment:
    """One composed experiment and how it was asked for.

    `values` is the resolved config in plain containers; `overrides` are the values that differ from what the
    experiment's own file says under `preset=full`, whoever changed them; `notes` is what presets did to each other,
    `typed` the words as they came.
    """

    config: Config
    values: dict[str, Any]
    conf: str
    preset: list[str]
    dataset: str
    overrides: list[str]
    notes: list[str] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        """The resolved config as YAML: the file that a run can be repeated from."""
        return str(OmegaConf.to_yaml(OmegaConf.create(self.values))).encode()

    @property
    def data(self) -> DataPlan:
        """The data part of the experiment."""
        return DataPlan(self.dataset, self.values["data"], self.config.split, self.config.task, self.config.transforms)


def data_plan(name: str) -> DataPlan:
    """The data part alone, as `conf/data/NAME.yaml` states it."""
    known = files("data")
    with told():
        if name not in known:
            raise unknown_option("data", name, {"data": list(known)})
        merged = OmegaConf.merge(OmegaConf.structured(Config), load_yaml(known[name]))
        call = OmegaConf.to_container(merged.data, resolve=True)
        split, task = OmegaConf.to_object(merged.split), OmegaConf.to_object(merged.task)
        transforms = OmegaConf.to_container(merged.transforms, resolve=True)
    assert isinstance(call, dict)
    assert isinstance(split, Split)
    assert isinstance(task, Task)
    assert isinstance(transforms, list)
    return DataPlan(name, {str(key): value for key, value in call.items()}, split, task, transforms)


registered: dict[tuple[str, str], tuple[Path, int, int]] = {}  # which file stands in the store, as it was then


def register() -> None:
    """Put the schema and every YAML file of the project into Hydra's ConfigStore."""
    OmegaConf.register_new_resolver("gpus", gpus, replace=True)
    OmegaConf.register_new_resolver("oc.env", environment, replace=True)
    store = ConfigStore.instance()
    defaults = project.settings()
    chosen = {"data": defaults.data, "trainer": "auto", "conf": defaults.conf, "preset": "full"}
    store.store(name="config", node=primary(Config, [{group: name} for group, name in chosen.items()]))
    for group, package in GROUPS.items():
        for name, path in files(group).items():
            place, seen = (group, name), (path.resolve(), path.stat().st_mtime_ns, path.stat().st_size)
            if registered.get(place) != seen:
                store.store(group=group, name=name, node=load_yaml(path), package=package)
                registered[place] = seen


@contextmanager
def told(words: Sequence[str] = (), schema: type = Config) -> Iterator[None]:
    """Turn Hydra's and OmegaConf's errors into refusals that name the file, the key and the nearest valid one."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error, {group: list(files(group)) for group in GROUPS}, schema, lambda: stated(words)) from error
    except TypeError as error:  # what OmegaConf says of a name where a list is
        if (refusal := into_list(str(error), words)) is None:
            raise
        raise refusal from error


def stated(words: Sequence[str]) -> list[str]:
    """Every dotted key of the experiment and data that the words choose, as their files state them."""
    chosen = [word for word in words if word.split("=")[0] in ("conf", "data")]
    try:
        return list(flat(resolved(plain(chosen))))
    except (HydraException, OmegaConfBaseException):
        return []  # the files themselves are at fault; the first error says how


def compose(*overrides: str) -> Experiment:
    """One experiment from command-line words: `compose("conf=baseline", "seed=3")`."""
    return composed(overrides)[0]


def composed(overrides: Sequence[str]) -> tuple[Experiment, dict[str, Any]]:
    """One experiment, and its values as they are written: an interpolation still is one."""
    register()
    with told(overrides):
        found = plain(overrides)
        return read(found, found.hydra), resolved(found, resolve=False)


def plain(overrides: Sequence[str]) -> DictConfig:
    """Compose inside or outside Hydra's application; the result still holds Hydra's own node."""
    refuse_wordless(overrides)
    around = nullcontext() if GlobalHydra.instance().is_initialized() else hydra.initialize(None, version_base="1.3")
    with around:
        return hydra.compose("config", list(overrides), return_hydra_config=True)


def refuse_wordless(words: Sequence[str]) -> None:
    """A word without a key, or with one that no file states, on which Hydra's parser stumbles."""
    for word in words:
        key = word.lstrip("+~").partition("=")[0]
        if not (key.strip() and len(key) <= LONGEST and key.isprintable()):
            raise Refusal(f"the word {word[:80]!r} names no key", "settings are words like seed=3", "correct the word")


def read(composed: DictConfig, asked: Any) -> Experiment:
    """What Hydra composed, as a typed experiment; refuses what Hydra merges without a word.

    `asked` is Hydra's own node: the choices made and the words typed.
    """
    choices = asked.runtime.choices
    conf, dataset = (str(choices[group]).removesuffix(".yaml") for group in ("conf", "data"))
    typed = list(asked.overrides.task)
    preset = presets.chosen(str(choices.get("preset", "")), typed)
    variants.refuse_exchanged_class(conf, typed)
    values = resolved(composed) | variants.not_inherited(conf, typed)
    values = resolved(OmegaConf.create(values))  # what is not inherited comes from its file, as it is written
    changed = [] if is_bare(typed) else differences(resolved(plain([f"conf={conf}"])), values)
    config = to_config(values)
    refuse_command_in_file(config, typed)
    presets.refuse_for_estimator(preset, config)
    return Experiment(config, values, conf, preset, dataset, changed, presets.collisions(preset), typed)


def refuse_command_in_file(config: Config, typed: Sequence[str]) -> None:
    """A command of the shell is for whoever types it; a file may come from anybody."""
    if config.on_end is not None and not any(word.startswith("on_end=") for word in typed):
        raise Refusal(
            "a file of conf/ sets on_end",
            "it is a command of the shell, and a config may come from somebody else",
            "take it out of the file, and type on_end=… where it is wanted",
        )


def is_bare(typed: Sequence[str]) -> bool:
    """Whether nothing but the experiment's name was asked for."""
    return all(word.startswith("conf=") for word in typed)


def resolved(composed: DictConfig, resolve: bool = True) -> dict[str, Any]:
    """Every value of a composed config in plain containers, without Hydra's own node."""
    inner = OmegaConf.masked_copy(composed, [str(key) for key in composed if key not in ("hydra", "defaults")])
    values = OmegaConf.to_container(inner, resolve=resolve)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def environment(name: str, default: str | None = None) -> str | None:
    """`${oc.env:NAME}`: what a config reads ends in its record, so only variables that are meant for it are read."""
    if not str(name).startswith("RECEIPTS_"):
        raise Refusal(
            f"a config reads the environment variable {name}",
            "its value would be stored with the run and sent to MLflow, whatever it is",
            f"state the value, or name the variable RECEIPTS_{name}",
        )
    if name not in os.environ and default is None:
        raise Refusal(f"{name} is not set", "a config reads it", f"export {name}=…, or state the value")
    return os.environ.get(name, default)


def refuse_unresolved(values: Any, key: str = "") -> None:
    """Interpolations in values that are resolved already: a stored config holds none unless somebody put it there."""
    for name, value in flat(values, key).items():
        parts = enumerate(value) if isinstance(value, list) else ()
        for position, part in parts:
            refuse_unresolved(part, f"{name}[{position}]")
        if isinstance(value, str) and "${" in value:
            raise Refusal(f"{name} holds an interpolation", "a resolved config holds values alone", "state the value")


def to_config(values: dict[str, Any]) -> Config:
    """Plain values as the typed schema; unknown keys and wrong types are refused, wherever the values come from."""
    refuse_unresolved(values)
    with told():
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), values))
    assert isinstance(config, Config)
    return config


def flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one level of dotted keys; lists stay whole."""
    if not isinstance(values, dict) or not values:
        return {prefix: values}
    parts = [flat(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in values.items()]
    return {key: value for part in parts for key, value in part.items()}


def differences(own: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """`key=value` for every value that differs from the experiment's own file and can move a number."""
    before, after = flat(own), flat(now)
    changed = [key for key in {**before, **after} if before.get(key, ...) != after.get(key, ...)]
    return [f"{key}={after.get(key)}" for key in changed if key.split(".")[0] not in NO_NUMBER]
