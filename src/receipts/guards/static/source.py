"""The researcher's files that an experiment imports, as syntax trees, and what rules ask of a tree again and again."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from receipts.config.compose import Experiment
from receipts.provenance import code
from receipts.provenance.identity import targets

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Source:
    """One file: where it lies, and its tree."""

    path: Path
    tree: ast.Module

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node that each node stands in."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top of the file."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions at the top of the file."""
        return {node.name: node for node in self.tree.body if isinstance(node, FUNCTIONS)}

    @cached_property
    def imported(self) -> dict[str, str]:
        """Every name that the file imports, and what it stands for: `np` is numpy, `F` torch.nn.functional."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return found

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that a node stands in, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def meant(self, node: ast.AST) -> str:
        """The full dotted name that an expression stands for, imports followed: `numpy.random.default_rng`."""
        name = dotted(node)
        first, dot, rest = name.partition(".")
        return self.imported.get(first, first) + dot + rest

    def at(self, node: ast.AST) -> str:
        """Where a node is, as people look it up."""
        return f"{self.path.as_posix()}:{getattr(node, 'lineno', 1)}"


def of(experiment: Experiment) -> list[Source]:
    """The files below `lab` that an experiment imports, followed statically."""
    return [read(Path(name)) for name in sorted(code.lab(targets(experiment.values)))]


def read(path: Path) -> Source:
    """A file as a tree."""
    return Source(path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an expression that is one; what a call or an index stands before is left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f".{node.attr}"
    return ""


def called(node: ast.AST) -> str:
    """The last part of the name that a call calls; nothing for another node."""
    return dotted(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Every call within a node."""
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def given(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """An argument of a call, by its name or by its place; None where it is left out."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if position is not None and position < len(call.args) else None


def constant(node: ast.AST | None) -> object:
    """The value of a literal; `...` for whatever is none, None for what is not there."""
    if node is None:
        return None
    return node.value if isinstance(node, ast.Constant) else ...


def vocabulary(text: str) -> frozenset[str]:
    """Words that are set apart by spaces."""
    return frozenset(text.split())


def words(name: str) -> list[str]:
    """The words of an identifier or a metric's name, in lower case: `X_te`, `dataTest`, `val/top5_acc`."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [word for word in re.split(r"[^a-z0-9]+", parts.lower()) if word]


def names(node: ast.AST) -> Iterator[str]:
    """Every identifier that a node reads: names and attributes."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr


def every(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of a tree."""
    return ast.walk(tree)


COUNTS = {"size", "n", "num", "number", "count", "len", "ratio", "frac", "fraction", "share", "is", "seed", "train"}


def is_of_test(name: str) -> bool:
    """Whether an identifier names rows or numbers of the test split: `X_test`, `p_te`, and not `test_size`."""
    found = set(words(name))
    return bool(found & {"test", "tst"} or ("te" in found and len(found) > 1)) and not found & COUNTS


def mentions_test(nodes: Iterable[ast.AST]) -> str:
    """The first identifier within some nodes that names the test split; nothing where none does."""
    return next((name for node in nodes for name in names(node) if is_of_test(name)), "")
