"""Randomness and order that differ from one start to the next: unseeded generators, unsorted folders and sets."""

import ast
from collections.abc import Iterator

from receipts.config.compose import Experiment
from receipts.guards.static.source import FUNCTIONS, Source, called, calls, constant, dotted, vocabulary

GENERATORS = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random", "numpy.random.seed")
NEVER_SEEDED = ("random.SystemRandom", "os.urandom", "torch.seed", "torch.random.seed")
CLOCKS = ("time", "time_ns", "perf_counter", "getpid", "urandom", "now", "uuid4")
SEEDING = ("seed", "manual_seed", "default_rng", "RandomState", "Random", "seed_everything")
LISTINGS = ("os.listdir", "os.scandir", "glob.glob", "glob.iglob")
METHODS = ("iterdir", "rglob", "glob")
ORDERLESS = vocabulary("sorted len set frozenset any all sum max min Counter dict bool isdisjoint")


def unseeded(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Generators that start from the operating system's entropy or from a clock."""
    for source in sources:
        for call in calls(source.tree):
            name = source.meant(call.func)
            arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
            if name in NEVER_SEEDED or name.startswith("secrets."):
                yield f"{source.at(call)}: {name} can never be repeated"
            elif name in GENERATORS and (not arguments or constant(arguments[0]) is None):
                yield f"{source.at(call)}: {dotted(call.func)}() starts from a seed of the operating system's"
            elif name.rpartition(".")[2] in SEEDING and any(
                is_clock(each) for part in arguments for each in calls(part)
            ):
                yield f"{source.at(call)}: {dotted(call.func)} is seeded by {ast.unparse(arguments[0])}"


def is_clock(call: ast.Call) -> bool:
    """Whether a call returns something else each time a program starts."""
    return called(call) in CLOCKS


def unsorted(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Listings of folders and numberings of sets, in a dataset's file, that are put into no order."""
    module = str(experiment.values["data"]["_target_"]).rpartition(".")[0]
    for source in sources:
        if source.path.with_suffix("").as_posix().endswith(module.replace(".", "/")):
            yield from unsorted_in(source)


def unsorted_in(source: Source) -> Iterator[str]:
    """The places of one file."""
    for call in calls(source.tree):
        name = source.meant(call.func)
        if name in LISTINGS or (isinstance(call.func, ast.Attribute) and call.func.attr in METHODS):
            if order_matters(source, call):
                yield f"{source.at(call)}: {ast.unparse(call)} is in the order in which the folder gives it"
        elif called(call) == "enumerate" and call.args and is_set(source, call.args[0]):
            yield f"{source.at(call)}: {ast.unparse(call)} numbers a set, whose order changes with every start"


def order_matters(source: Source, call: ast.Call) -> bool:
    """Whether the order of a listing reaches a list: it is not sorted, counted or keyed on the way."""
    inside: ast.AST = call
    for node in source.above(call):
        if isinstance(node, ast.Call) and called(node) in ORDERLESS:
            return False
        if isinstance(node, ast.DictComp | ast.SetComp | ast.Compare):
            return False
        if isinstance(node, ast.For) and inside is node.iter:
            return collects(node) and not sorted_later(source, node, appended(node))
        if isinstance(node, ast.Assign):
            return not sorted_later(source, node, [dotted(target) for target in node.targets])
        if isinstance(node, ast.Return):
            return True
        if isinstance(node, ast.stmt):
            return False
        inside = node
    return False


def collects(loop: ast.For) -> bool:
    """Whether a loop gathers something in the order in which it meets it."""
    return bool(appended(loop))


def appended(loop: ast.For) -> list[str]:
    """The lists that a loop appends to."""
    return [
        dotted(call.func.value)
        for call in calls(loop)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "extend")
    ]


def sorted_later(source: Source, node: ast.AST, names: list[str]) -> bool:
    """Whether the function that a statement stands in sorts, counts or makes a set of any of these names."""
    function = next((each for each in source.above(node) if isinstance(each, (*FUNCTIONS, ast.Module))), source.tree)
    for call in calls(function):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "sort" and dotted(call.func.value) in names:
            return True
        if called(call) in ("sorted", "argsort", "set", "natsorted") and call.args and dotted(call.args[0]) in names:
            return True
    return False


def is_set(source: Source, node: ast.expr) -> bool:
    """Whether an expression is a set, a list made of one, or a name that was given one."""
    if isinstance(node, ast.Set | ast.SetComp) or called(node) in ("set", "frozenset"):
        return True
    if isinstance(node, ast.Call) and called(node) in ("list", "tuple") and node.args:
        return is_set(source, node.args[0])
    if isinstance(node, ast.Name):
        given = [
            each.value
            for each in ast.walk(source.tree)
            if isinstance(each, ast.Assign) and any(dotted(target) == node.id for target in each.targets)
        ]
        return bool(given) and all(not isinstance(each, ast.Name) and is_set(source, each) for each in given)
    return False
