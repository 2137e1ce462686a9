"""Constructor signatures of the researcher's classes, read from source so that nothing heavy is imported.

A signature is `None` where the source does not tell (inherited or dynamic constructors); it is then checked when
the object is built, by `inspect`.
"""

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receipts.config import project
from receipts.refusal import Refusal, nearest

PLAIN: dict[str, type | tuple[type, ...]] = {"int": int, "float": (int, float), "bool": bool, "str": str}


@dataclass(frozen=True)
class Signature:
    """Argument names to their annotations as written; `open` when the constructor takes `**kwargs`."""

    arguments: dict[str, str]
    open: bool


def check(key: str, node: dict[str, Any], signature: Signature) -> None:
    """Every argument stated, none unknown, and plain types as annotated; `key` says where the call stands."""
    target = node["_target_"]
    stated = [name for name in node if name != "_target_"]
    for name in stated:
        if name not in signature.arguments and not signature.open:
            raise Refusal(
                f"{key}.{name} is no argument of {target}{nearest(name, list(signature.arguments))}",
                f"its constructor takes {', '.join(signature.arguments) or 'nothing'}",
                "correct the name, or take the line out",
            )
        refuse_wrong_type(f"{key}.{name}", node[name], signature.arguments.get(name, ""))
    if missing := [name for name in signature.arguments if name not in stated]:
        raise Refusal(
            f"{key} does not state {', '.join(missing)} of {target}",
            "a value left to a default in code is invisible in the config and in every diff",
            "state " + ", ".join(f"{key}.{name}" for name in missing),
        )


def refuse_wrong_type(key: str, value: Any, annotation: str) -> None:
    """A plain value of another type than the constructor's annotation says."""
    kinds = [part.strip() for part in annotation.split("|")]
    if value is None or not all(kind in PLAIN or kind == "None" for kind in kinds):
        return
    fits = [
        isinstance(value, PLAIN[kind]) and (kind == "bool") == isinstance(value, bool)
        for kind in kinds
        if kind in PLAIN
    ]
    if not any(fits):
        raise Refusal(
            f"{key} is {value!r}, a {type(value).__name__}",
            f"the constructor says {annotation}",
            f"give {key} such a value",
        )


def from_source(key: str, target: str) -> Signature | None:
    """The signature of a class below `lab`, by reading its file; refuses what is no class there."""
    path, tree, names = definitions(key, target)
    name = target.rpartition(".")[2]
    found = names.get(name)
    if isinstance(found, ast.FunctionDef):
        raise not_a_class(key, target)
    if found is None:
        if name in bound(tree):
            return None
        raise Refusal(
            f"{key}: {path} defines no {name}{nearest(name, list(names))}",
            f"it defines {', '.join(names) or 'nothing'}",
            f"correct {key}._target_",
        )
    own = next((node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)
    return None if own is None or found.decorator_list else of_function(own)


def definitions(key: str, target: str) -> tuple[Path, ast.Module, dict[str, ast.ClassDef | ast.FunctionDef]]:
    """The file below `lab` that a target names, its syntax tree, and the classes and functions defined at its top."""
    path = source(key, target, target.split(".")[:-1])
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return path, tree, {node.name: node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def function_from_source(key: str, target: str) -> ast.FunctionDef:
    """The definition of a function below `lab`, by reading its file; refuses what is none there."""
    path, _, names = definitions(key, target)
    name = target.rpartition(".")[2]
    found = names.get(name)
    if not isinstance(found, ast.FunctionDef):
        functions = [known for known, node in names.items() if isinstance(node, ast.FunctionDef)]
        raise Refusal(
            f"{key}: {path} defines no function {name}{nearest(name, functions)}",
            f"it defines {', '.join(functions) or 'none'}; imported ones and classes do not count",
            f"correct {key}, or write the function there",
        )
    return found


def bound(tree: ast.Module) -> set[str]:
    """Every name that a module binds in another way than by `class` or `def`: imports and assignments."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return imported | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def source(key: str, target: str, modules: list[str]) -> Path:
    """The file of a module below `lab`."""
    stem = project.LAB.parent.joinpath(*modules)
    found = next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)
    if found is None:
        known = [
            ".".join(p.relative_to(project.LAB.parent).with_suffix("").parts) for p in sorted(project.LAB.rglob("*.py"))
        ]
        raise Refusal(
            f"{key}: there is no module {'.'.join(modules)}{nearest('.'.join(modules), known)}",
            f"{stem}.py does not exist; {project.LAB}/ holds {', '.join(known) or 'nothing'}",
            f"correct {key}._target_, or write the file",
        )
    return found


def of_function(node: ast.FunctionDef) -> Signature:
    """The signature of a constructor's definition, without `self`."""
    positional = [*node.args.posonlyargs, *node.args.args][1:]
    arguments = {
        arg.arg: ast.unparse(arg.annotation) if arg.annotation else "" for arg in [*positional, *node.args.kwonlyargs]
    }
    return Signature(arguments, node.args.kwarg is not None or node.args.vararg is not None)


def from_class(kind: type) -> Signature | None:
    """The signature of an imported class; None where Python itself does not know it."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except ValueError:
        return None
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    arguments = {
        p.name: "" if p.annotation is p.empty else annotation(p.annotation)
        for p in parameters
        if p.kind not in variable
    }
    return Signature(arguments, any(p.kind in variable for p in parameters))


def annotation(kind: Any) -> str:
    """An annotation as it is written in source."""
    return kind.__name__ if isinstance(kind, type) else str(kind)


def not_a_class(key: str, target: str) -> Refusal:
    """A target that is a function, a module or a value."""
    return Refusal(
        f"{key}._target_: {target} is not a class",
        "only classes are built from a config: a config may come from elsewhere, and a function call could do anything",
        "name a class; wrap a function in one that calls it",
    )
