"""Constructor arguments that nothing reads: the config states a value, and the value does nothing."""

import ast
from collections.abc import Iterator

from receipts.config.build import calls as constructor_calls
from receipts.config.compose import Experiment
from receipts.guards.static.source import FUNCTIONS, Function, Source, called, calls, dotted, vocabulary

READ_BY_OTHERS = vocabulary(
    "ids targets files inputs kind source licence version generator entities groups times slices official "
    "features access collate automatic_optimization strict_loading example_input_array training"
)
PLAIN_BASES = vocabulary("object LightningModule LightningDataModule Module Dataset Callback ABC Protocol Generic")
OPEN = ("locals", "vars", "eval", "exec")


def unread(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Arguments of the classes that the config builds, and of those that these build in turn, which nothing reads."""
    classes = {name: (source, node) for source in sources for name, node in source.classes.items()}
    reads = frozenset(name for source in sources for name in loaded(source.tree))
    waiting = [
        str(node["_target_"]).rpartition(".")[2]
        for key in ("model", "data", "transforms", "augment")
        for _, node in constructor_calls(key, experiment.values[key])
        if str(node["_target_"]).startswith("lab.")
    ]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in classes and name not in seen:
            seen.add(name)
            source, node = classes[name]
            waiting += [called(call) for call in calls(node)] + [dotted(base).rpartition(".")[2] for base in node.bases]
            yield from of_class(source, node, reads, frozenset(classes))


def loaded(tree: ast.AST) -> Iterator[str]:
    """Every attribute that code reads off something, and every text, which may name one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def of_class(source: Source, node: ast.ClassDef, reads: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    """What is wrong with the arguments of one class."""
    if is_open(node):
        return
    init = next((each for each in node.body if isinstance(each, FUNCTIONS) and each.name == "__init__"), None)
    if init is None:
        yield from fields(source, node, reads)
        return
    inert = all(dotted(base).rpartition(".")[2] in PLAIN_BASES | known for base in node.bases)
    stored_whole = any(called(call) == "save_hyperparameters" for call in calls(init))
    for name in parameters(init):
        where = f"{source.at(init)}: {node.name} takes {name} and"
        uses = [each for each in ast.walk(init) if isinstance(each, ast.Name) and each.id == name]
        read = [each for each in uses if isinstance(each.ctx, ast.Load)]
        if overwritten(init, name):
            yield f"{where} overwrites it before reading it"
        elif not read and not (stored_whole and name in reads):
            yield f"{where} never reads it"
        elif inert and (attributes := stored_only(source, read)) and not (reads | READ_BY_OTHERS) & set(attributes):
            yield f"{where} keeps it as self.{attributes[0]}, which nothing reads"


def is_open(node: ast.ClassDef) -> bool:
    """Whether a class reads its arguments in ways that a tree does not show."""
    for each in ast.walk(node):
        if called(each) in OPEN or (isinstance(each, ast.Attribute) and each.attr in ("__dict__", "__getattr__")):
            return True
        if isinstance(each, ast.Call):
            whole = [*each.args, *(keyword.value for keyword in each.keywords if keyword.arg is None)]
            if any(dotted(part) == "self.hparams" for part in whole):
                return True
    return False


def parameters(init: Function) -> list[str]:
    """The names of a constructor's arguments, without `self` and those that begin with an underscore."""
    given = [*init.args.posonlyargs, *init.args.args][1:] + init.args.kwonlyargs
    return [argument.arg for argument in given if not argument.arg.startswith("_")]


def overwritten(init: Function, name: str) -> bool:
    """Whether a statement of the constructor gives an argument another value before anything has read it."""
    for statement in init.body:
        read = any(
            isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
            for each in ast.walk(statement)
        )
        if read:
            return False
        if isinstance(statement, ast.Assign) and any(dotted(target) == name for target in statement.targets):
            return True
    return False


def stored_only(source: Source, read: list[ast.Name]) -> list[str]:
    """The attributes that an argument is stored in, where storing it is all that is done with it; else nothing."""
    attributes = []
    for each in read:
        target = stored_in(source, each)
        if target is None:
            return []
        attributes.append(target)
    return attributes


def stored_in(source: Source, name: ast.Name) -> str | None:
    """`a` of `self.a = name` and of `self.a, self.b = name, other`; None for any other use."""
    above = source.parents[name]
    if isinstance(above, ast.Assign) and len(above.targets) == 1:
        return attribute_of_self(above.targets[0])
    outer = source.parents.get(above)
    if isinstance(above, ast.Tuple) and isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Tuple):
        return attribute_of_self(outer.targets[0].elts[above.elts.index(name)])
    return None


def attribute_of_self(target: ast.expr) -> str | None:
    """The attribute of `self` that a target is."""
    owned = isinstance(target, ast.Attribute) and dotted(target.value) == "self"
    return target.attr if owned and isinstance(target, ast.Attribute) else None


def fields(source: Source, node: ast.ClassDef, reads: frozenset[str]) -> Iterator[str]:
    """Fields of a dataclass that nothing reads."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            name = field.target.id
            if name not in reads | READ_BY_OTHERS and "ClassVar" not in ast.unparse(field.annotation):
                yield f"{source.at(field)}: {node.name} takes {name} and nothing reads it"
