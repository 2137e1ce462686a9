"""From a command line to one typed experiment: Hydra composes, this file tells it where things are.

The schema is Hydra's primary config; every YAML file of the project is registered in its ConfigStore, so no file
needs a package header and unknown keys are refused wherever they come from.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from receipts.config import project
from receipts.config.explain import explain, unknown_option
from receipts.config.schema import SWITCHES, Config, Split, Task
from receipts.refusal import Refusal

GROUPS = {"conf": "_global_", "data": "_global_", "preset": "_global_", "trainer": "trainer"}
NEUTRAL = {"conf", "data", "preset", "trainer", *SWITCHES}

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


@dataclass(frozen=True)
class Experiment:
    """One composed experiment and how it was asked for.

    `values` is the resolved config in plain containers; `overrides` are the values that differ from what the
    experiment's own file says under `preset=full`, whoever changed them.
    """

    config: Config
    values: dict[str, Any]
    conf: str
    preset: list[str]
    dataset: str
    overrides: list[str]

    @property
    def text(self) -> bytes:
        """The resolved config as YAML: the file that a run can be repeated from."""
        return str(OmegaConf.to_yaml(OmegaConf.create(self.values))).encode()

    @property
    def data(self) -> DataPlan:
        """The data part of the experiment."""
        return DataPlan(self.dataset, self.values["data"], self.config.split, self.config.task)


def data_plan(name: str) -> DataPlan:
    """The data part alone, as `conf/data/NAME.yaml` states it."""
    known = files("data")
    with told():
        if name not in known:
            raise unknown_option("data", name, {"data": list(known)})
        merged = OmegaConf.merge(OmegaConf.structured(Config), load_yaml(known[name]))
        call = OmegaConf.to_container(merged.data, resolve=True)
        assert isinstance(call, dict)
        return DataPlan(name, {str(k): v for k, v in call.items()}, OmegaConf.to_object(merged.split), OmegaConf.to_object(merged.task))  # type: ignore[arg-type]


def files(group: str) -> dict[str, Path]:
    """The options of a group: file stem to path, in alphabetical order."""
    folder = project.CONF if group == "conf" else project.CONF / group
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def register() -> None:
    """Put the schema and every YAML file of the project into Hydra's ConfigStore."""
    store = ConfigStore.instance()
    defaults = project.settings()
    chosen = {"data": defaults.data, "trainer": "auto", "conf": defaults.conf, "preset": "full"}
    store.store(name="config", node=primary(Config, [{group: name} for group, name in chosen.items()]))
    for group, package in GROUPS.items():
        for name, path in files(group).items():
            store.store(group=group, name=name, node=load_yaml(path), package=package)


def load_yaml(path: Path) -> DictConfig:
    """A YAML file as it stands; refused when it is no mapping or carries a package header."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        node = OmegaConf.create(text)
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise Refusal(f"{path} cannot be read as YAML", str(error), f"mend {path}") from error
    if any(line.startswith("# @package") for line in text.splitlines()):
        raise Refusal(
            f"{path} carries a package header",
            "the folder a file lies in says where its keys go, so the header would be ignored",
            f"delete the `# @package` line from {path}",
        )
    if not isinstance(node, DictConfig):
        raise Refusal(f"{path} is not a mapping", "a file of conf/ holds `key: value` lines", f"mend {path}")
    return node


@contextmanager
def told(words: Sequence[str] = ()) -> Iterator[None]:
    """Turn Hydra's and OmegaConf's errors into refusals that name the file, the key and the nearest valid one."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error, {group: list(files(group)) for group in GROUPS}, lambda: stated(words)) from error


def stated(words: Sequence[str]) -> list[str]:
    """Every dotted key of the experiment and data that the words choose, as their files state them."""
    chosen = [word for word in words if word.split("=")[0] in ("conf", "data")]
    try:
        return list(flat(resolved(plain(chosen))))
    except (HydraException, OmegaConfBaseException):
        return []                                  # the files themselves are at fault; the first error says how


def compose(*overrides: str) -> Experiment:
    """One experiment from command-line words: `compose("conf=baseline", "seed=3")`."""
    register()
    with told(overrides):
        composed = plain(overrides)
        return read(composed, composed.hydra)


def plain(overrides: Sequence[str]) -> DictConfig:
    """Compose inside or outside Hydra's application; the result still holds Hydra's own node."""
    around = nullcontext() if GlobalHydra.instance().is_initialized() else hydra.initialize(None, version_base="1.3")
    with around:
        return hydra.compose("config", list(overrides), return_hydra_config=True)


def read(composed: DictConfig, asked: Any) -> Experiment:
    """What Hydra composed, as a typed experiment; refuses what Hydra merges without a word.

    `asked` is Hydra's own node: the choices made and the words typed.
    """
    choices = asked.runtime.choices
    conf, dataset = (str(choices[group]).removesuffix(".yaml") for group in ("conf", "data"))
    typed = list(asked.overrides.task)
    preset = presets(choices, typed)
    own = load_yaml(files("conf")[conf])
    refuse_inherited_arguments(conf, own, typed)
    values = resolved(composed)
    for key in ("purpose", "ablations"):
        if not any(word.lstrip("+").startswith(key) for word in typed):
            values[key] = OmegaConf.to_container(own).get(key, Config().purpose if key == "purpose" else {})  # type: ignore[union-attr]
    changed = [] if is_bare(typed) else differences(resolved(plain([f"conf={conf}"])), values)
    return Experiment(to_config(values), values, conf, preset, dataset, changed)


def presets(choices: DictConfig, typed: Sequence[str]) -> list[str]:
    """The presets chosen, in order; Hydra leaves a list of several out of its choices."""
    listed = next((word for word in reversed(typed) if word.startswith("preset=[")), None)
    found = listed.removeprefix("preset=[").rstrip("]").split(",") if listed else [str(choices.preset)]
    return [name.strip(" '\"").removesuffix(".yaml") for name in found]


def is_bare(typed: Sequence[str]) -> bool:
    """Whether nothing but the experiment's name was asked for."""
    return all(word.startswith("conf=") for word in typed)


def resolved(composed: DictConfig) -> dict[str, Any]:
    """Every value of a composed config in plain containers, without Hydra's own node."""
    inner = OmegaConf.masked_copy(composed, [key for key in composed if key not in ("hydra", "defaults")])
    values = OmegaConf.to_container(inner, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def to_config(values: dict[str, Any]) -> Config:
    """Plain values as the typed schema; unknown keys and wrong types are refused, wherever the values come from."""
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
    """`key=value` for every value that differs from the experiment's own file; launch switches aside."""
    before, after = flat(own), flat(now)
    changed = [key for key in {**before, **after} if before.get(key, ...) != after.get(key, ...)]
    skipped = (*SWITCHES, "purpose", "ablations")
    return [f"{key}={after.get(key)}" for key in changed if key.split(".")[0] not in skipped]


def refuse_inherited_arguments(conf: str, own: DictConfig, typed: Sequence[str]) -> None:
    """A class exchanged by a variant would silently keep the other class's arguments."""
    for key in ("model", "data"):
        if any(word.lstrip("+").startswith(f"{key}._target_=") for word in typed):
            raise Refusal(
                f"{key}._target_ cannot be exchanged on the command line",
                "the new class would inherit the arguments of the old one",
                f"write a file of its own for it: conf/{'data/' if key == 'data' else ''}NAME.yaml",
            )
    target = (own.get("model") or {}).get("_target_")
    parents = [entry for entry in own.get("defaults", []) if isinstance(entry, str) and entry != "_self_"]
    for parent in parents:
        inherited = inherited_target(parent)
        if target is not None and inherited not in (None, target):
            raise Refusal(
                f"conf/{conf}.yaml exchanges model._target_ and inherits arguments",
                f"{parent} builds {inherited} and {conf} builds {target}; the arguments of one would reach the other",
                f"give conf/{conf}.yaml a model of its own and take {parent} out of its defaults",
            )


def inherited_target(parent: str) -> str | None:
    """The class that a parent experiment builds, through its own parents if need be."""
    known = files("conf")
    stem = parent.removeprefix("/conf/").split("@")[0].removesuffix(".yaml")
    if stem not in known:
        return None
    node = load_yaml(known[stem])
    target = (node.get("model") or {}).get("_target_")
    above = [entry for entry in node.get("defaults", []) if isinstance(entry, str) and entry != "_self_"]
    return target or next((found for entry in above if (found := inherited_target(entry))), None)
