"""Building what a config names, and nothing outside an allow-list of classes.

A config that comes back from a tracking server or a colleague is untrusted input, so the check is on the resolved
class, not on the spelling: `_target_: lab.digits.np.load` is refused as surely as `os.system`.
"""

import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from receipts.bounds import is_inside
from receipts.config import project, signatures
from receipts.refusal import Refusal

PLACES = ("dirpath", "filename", "_path")  # how arguments end in which Lightning's callbacks are told where to write


def calls(key: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every constructor call in a config, outermost first, with the dotted key it stands under."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield key, node
        for name, value in node.items():
            yield from calls(f"{key}.{name}", value)
    elif isinstance(node, list | tuple):
        for position, value in enumerate(node):
            yield from calls(f"{key}[{position}]", value)


def check_calls(key: str, spec: Any) -> None:
    """Refuse, without importing anything: targets outside the allow-list, special keys, wrong arguments."""
    for where, node in calls(key, spec):
        target = node["_target_"]
        if special := [name for name in node if str(name).startswith("_") and name != "_target_"]:
            raise Refusal(
                f"{where} holds {', '.join(map(str, special))}",
                "a constructor call states arguments, and nothing that changes how the call is made",
                "take it out",
            )
        refuse_foreign(where, target)
        refuse_side_doors(where, node)
        if target.startswith("lab."):
            signature = signatures.from_source(where, target)
            if signature is not None:
                signatures.check(where, node, signature)


def refuse_foreign(key: str, target: Any) -> None:
    """A target whose name lies outside the allowed packages."""
    allowed = project.settings().targets
    named = isinstance(target, str) and all(part.isidentifier() for part in target.split("."))
    if not named or not any(target.startswith(f"{prefix}.") for prefix in allowed):
        raise Refusal(
            f"{key}._target_: {str(target)[:200]} is outside the allow-list",
            f"a config may only build classes of {', '.join(allowed)}",
            "name such a class, or add the package to `targets` under [tool.receipts] in pyproject.toml",
        )


def refuse_side_doors(key: str, node: dict[str, Any]) -> None:
    """Arguments of allowed classes that name places: a folder of pickles to run, a folder outside to write to."""
    for name in [name for name in node if str(name).endswith(PLACES)]:
        place = node[name]
        if str(node["_target_"]).startswith("lightning.") and place is not None and not is_inside(str(place)):
            raise Refusal(
                f"{key}.{name} leads out of the project: {place}",
                "a config may come from somebody else, and would write there",
                f"take {key}.{name} out, or name a folder below this one",
            )
    # scikit-learn keeps pickles there: whoever wrote them has code run by whoever reads them
    for where in caches(key, node) if str(node["_target_"]).startswith("sklearn.") else ():
        raise Refusal(
            f"{where} names a cache on disk",
            "scikit-learn keeps pickles there and runs what it finds in them",
            f"take {where} out; finished runs are skipped as they are",
        )


def caches(key: str, node: Any) -> Iterator[str]:
    """The keys below a call that give scikit-learn a cache: its own, and those that a search would set."""
    if isinstance(node, dict):
        for name, value in node.items():
            last = str(name).rpartition("__")[2]
            if last == "memory" and value is not None:
                yield f"{key}.{name}"
            yield from caches(f"{key}.{name}", value)
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from caches(f"{key}[{position}]", value)


def resolve(key: str, target: str) -> type:
    """The class that a target names; refused unless it is a class *defined* in an allowed package."""
    refuse_foreign(key, target)
    found = imported(f"{key}._target_", target)
    if not inspect.isclass(found):
        raise signatures.not_a_class(key, target)
    refuse_foreign(key, f"{found.__module__}.{found.__qualname__}")
    return found


def imported(key: str, target: str) -> Any:
    """Whatever a dotted name of an allowed package stands for; `key` says where the name was written."""
    module, _, name = target.rpartition(".")
    if target.startswith("lab."):
        refuse_other_clone()
    try:
        return getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and not module.startswith(error.name):
            raise Refusal(
                f"{target} needs {error.name}, which is not installed",
                f"{module} imports it",
                f"add {error.name} to pyproject.toml and run `make lock env`",
            ) from error
        raise Refusal(f"{key}: there is no {target}", str(error), f"correct {key}") from error


def refuse_other_clone() -> None:
    """An environment shared by two clones would run one clone's `lab` under the other's name."""
    spec = importlib.util.find_spec("lab")
    here = project.LAB.resolve()
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
    if here not in places:
        raise Refusal(
            "Python's `lab` is not this project's src/lab",
            f"it is {places[0] if places else 'not installed'}, and this project's is {here}",
            "make env      (and run with this folder's .venv/bin/python)",
        )


def build(spec: dict[str, Any], key: str = "model") -> Any:
    """Build an object from a constructor call, nested calls first; arguments are checked against real signatures.

    Raises a `Refusal` for a target outside the allow-list, for unknown and, below `lab`, for unstated arguments.
    """
    check_calls(key, spec)
    return construct(key, spec)


def construct(key: str, node: Any) -> Any:
    """The value of a config node, with every call in it made."""
    if isinstance(node, list):
        return [construct(f"{key}[{position}]", value) for position, value in enumerate(node)]
    if not isinstance(node, dict):
        return node
    arguments = {name: construct(f"{key}.{name}", value) for name, value in node.items() if name != "_target_"}
    if "_target_" not in node:
        return arguments
    kind = resolve(key, node["_target_"])
    signature = signatures.from_class(kind)
    if signature is not None:
        stated = dict.fromkeys(signature.arguments) | node if not node["_target_"].startswith("lab.") else node
        signatures.check(key, stated, signature)
    return kind(**arguments)
