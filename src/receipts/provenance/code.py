"""Which code can change a number: the core without its reporting rooms, the researcher's files that a run imports."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from receipts.config import project

CORE = Path(__file__).resolve().parents[1]
MACHINERY = ("importlib", "pkgutil", "runpy", "builtins")
REPORTING = ("report", "ablation", "gauntlet", "reproduction", "replay")
HARNESS = tuple(
    CORE / "evaluation" / f"{name}.py"
    for name in ("promises", "predictions", "storage", "formulas", "metrics", "second")
)


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def combined(parts: dict[str, str]) -> str:
    """One hash over named hashes, whatever order they come in."""
    return sha256("\n".join(f"{name} {value}" for name, value in sorted(parts.items())).encode())


def hashed(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """Relative path to SHA-256 for each file."""
    return {path.relative_to(root).as_posix(): sha256(path.read_bytes()) for path in paths}


@cache
def core() -> str:
    """SHA-256 over the core's files that can change a number."""
    paths = (path for path in CORE.rglob("*.py") if not is_reporting(path.relative_to(CORE).parts))
    return combined(hashed(paths, CORE))


def is_reporting(parts: tuple[str, ...]) -> bool:
    """Whether a file below the core, by the parts of its path, only shows numbers that others made."""
    return parts[0] in (*REPORTING, "cli.py")


def can_move_numbers(name: str) -> bool:
    """Whether a file of a project, by its path, is code that identity counts; of the core only its Python files."""
    parts = Path(name).parts
    return parts[:2] != ("src", "receipts") or (name.endswith(".py") and not is_reporting(parts[2:]))


@cache
def harness() -> str:
    """SHA-256 over the evaluation harness alone."""
    return combined(hashed(HARNESS, CORE))


@cache
def core_version() -> str:
    """The version of the core that is installed."""
    return version("receipts")


def lab(targets: Iterable[str]) -> dict[str, str]:
    """The researcher's files that these targets import, followed statically, with their SHA-256.

    All of `src/lab` where an import is computed at run time and cannot be followed.
    """
    root = project.LAB.parent
    waiting = [target.rpartition(".")[0] for target in targets if target.startswith("lab.")]
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        for path in (file for file in module_files(module) if file.as_posix() not in found):
            found[path.as_posix()] = path
            imported = imports(path, path.relative_to(root))
            if imported is None:
                return hashed(sorted(project.LAB.rglob("*.py")), Path())
            waiting += imported
    return hashed((found[name] for name in sorted(found)), Path())


def module_files(module: str) -> list[Path]:
    """The files that importing a module below `lab` reads: itself and the packages it lies in."""
    parts = module.split(".")
    stems = [project.LAB.parent.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    candidates = [path for stem in stems for path in (stem / "__init__.py", stem.with_suffix(".py"))]
    return [path for path in candidates if path.is_file()]


def imports(path: Path, module: Path) -> list[str] | None:
    """The names below `lab` that a file imports; None where it imports by a computed name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = module.parts[: len(module.parts) - node.level] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            found += [f"{base}.{alias.name}" for alias in node.names]
        elif mentioned(node) in ("import_module", "__import__", "exec", "eval"):
            return None
    if any(map(is_computed, found)):
        return None
    return [name for name in found if name == "lab" or name.startswith("lab.")]


def mentioned(node: ast.AST) -> str:
    """The name that a node reads; nothing for a method `eval`, which is a model's mode."""
    if isinstance(node, ast.Attribute):
        return node.attr if node.attr != "eval" else ""
    return node.id if isinstance(node, ast.Name) else ""


def is_computed(name: str) -> bool:
    """Whether an import opens the way to names that only run time knows: import machinery, or `from lab.x import *`."""
    if name.startswith(("importlib.metadata", "importlib.resources")):
        return False
    return name.partition(".")[0] in MACHINERY or (name.startswith("lab.") and name.endswith(".*"))
