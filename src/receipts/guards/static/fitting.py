"""What a dataset learns from all of its rows, held-back ones among them, before anybody has divided them."""

import ast
from collections.abc import Iterator

from receipts.config.compose import Experiment
from receipts.guards.static.source import (
    FUNCTIONS,
    Function,
    Source,
    called,
    calls,
    constant,
    dotted,
    given,
    names,
    vocabulary,
    words,
)

FITTING = ("fit", "fit_transform", "partial_fit")
SCALERS = ("scale", "minmax_scale", "robust_scale", "maxabs_scale", "quantile_transform", "power_transform")
HARMLESS = vocabulary(
    "LabelEncoder LabelBinarizer OrdinalEncoder OneHotEncoder MultiLabelBinarizer Normalizer Binarizer "
    "FunctionTransformer PolynomialFeatures HashingVectorizer FeatureHasher MissingIndicator"
)
STATISTICS = ("mean", "std", "var", "median", "nanmean", "nanstd")
READING = ("__getitem__", "collate", "__len__")
LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Lambda)


def before_split(sources: list[Source], experiment: Experiment) -> Iterator[str]:
    """Places in a dataset's constructor where something is fitted on, or scaled by, all rows."""
    module, _, name = str(experiment.values["data"]["_target_"]).rpartition(".")
    for source in sources:
        at_home = source.path.with_suffix("").as_posix().endswith(module.replace(".", "/"))
        if at_home and name in source.classes:
            for function in over_all_rows(source, source.classes[name]):
                yield from fitted(source, function)
                yield from scaled(source, function)


def over_all_rows(source: Source, owner: ast.ClassDef) -> list[Function]:
    """A dataset's methods that handle all rows at once, and the functions of its file that they call outside loops."""
    waiting = [node for node in owner.body if isinstance(node, FUNCTIONS) and node.name not in READING]
    found: list[Function] = []
    while waiting:
        function = waiting.pop(0)
        found.append(function)
        for call in calls(function):
            other = source.functions.get(called(call))
            if other is not None and other not in [*found, *waiting] and not in_loop(source, call, function):
                waiting.append(other)
    return found


def in_loop(source: Source, node: ast.AST, function: Function) -> bool:
    """Whether a node is met many times within a function, or stands in a function of its own."""
    for each in source.above(node):
        if each is function:
            return False
        if isinstance(each, (*LOOPS, *FUNCTIONS)):
            return True
    return False


def fitted(source: Source, function: Function) -> Iterator[str]:
    """scikit-learn's transformers fitted on rows that nobody has divided."""
    for call in calls(function):
        name = source.meant(call.func)
        if name.startswith("sklearn.preprocessing.") and name.rpartition(".")[2] in SCALERS:
            if not of_train(call.args):
                yield f"{source.at(call)}: {ast.unparse(call)[:80]} scales by all rows"
        elif called(call) in FITTING and isinstance(call.func, ast.Attribute):
            kind = made_by(source, call.func.value)
            learns = kind.startswith("sklearn.") and kind.rpartition(".")[2] not in HARMLESS
            if learns and call.args and not of_train(call.args):
                yield f"{source.at(call)}: {kind.rpartition('.')[2]} is fitted on {ast.unparse(call.args[0])[:60]}"


def made_by(source: Source, node: ast.expr) -> str:
    """The class that an expression was built by: of a call itself, or of what a name or attribute was given."""
    if isinstance(node, ast.Call):
        chained = called(node) in FITTING and isinstance(node.func, ast.Attribute)
        return made_by(source, node.func.value) if chained else source.meant(node.func)  # type: ignore[attr-defined]
    given = (each for each in ast.walk(source.tree) if isinstance(each, ast.Assign))
    return next(
        (
            source.meant(each.value.func)
            for each in given
            if isinstance(each.value, ast.Call) and any(dotted(target) == dotted(node) for target in each.targets)
        ),
        "",
    )


def of_train(arguments: list[ast.expr]) -> bool:
    """Whether rows were chosen: an argument is named after the train split, or indexed by rows."""
    for argument in arguments:
        if any({"train", "tr", "trn"} & set(words(name)) for name in names(argument)):
            return True
        if any(isinstance(each, ast.Subscript) and chooses_rows(each) for each in ast.walk(argument)):
            return True
    return False


def chooses_rows(node: ast.Subscript) -> bool:
    """Whether an index takes some rows: `x[rows]`, `x[:n]`, and neither `x[:, 3]` nor `table["age"]`."""
    first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    if isinstance(first, ast.Slice):
        return not (first.lower is None and first.upper is None)
    return not isinstance(first, ast.List) and not isinstance(constant(first), str)


def scaled(source: Source, function: Function) -> Iterator[str]:
    """Rows that have a mean of all of them taken off, or are divided by a spread of all of them."""
    statistics: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            for call in calls(node.value):
                if rows := statistic_of(call):
                    statistics[node.targets[0].id] = rows
    for node in ast.walk(function):
        left, right = sides(node)
        if left is None or right is None or in_loop(source, node, function):
            continue
        own = set(names(left)) | {ast.unparse(left)}
        used = {statistics[name] for name in names(right) if name in statistics}
        used |= {rows for call in calls(right) if (rows := statistic_of(call))}
        if shared := [rows for rows in used if rows in own or rows.rpartition(".")[2] in own]:
            yield f"{source.at(node)}: {ast.unparse(node)[:80]} uses a statistic of all rows of {shared[0]}"
            return


def sides(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    """Both sides of a subtraction or division, also of `-=` and `/=`."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Sub | ast.Div):
        return (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    return None, None


def statistic_of(call: ast.Call) -> str:
    """The rows whose mean or spread over all of them a call takes; nothing for other calls and for one per sample."""
    if called(call) not in STATISTICS or not isinstance(call.func, ast.Attribute):
        return ""
    module = dotted(call.func.value) in ("np", "numpy", "torch", "xp", "jnp")
    base = call.args[0] if module and call.args else call.func.value
    axis = given(call, "axis", 1 if module else 0) or given(call, "dim")
    if of_train([base]) or not dotted(base) or not over_rows(axis):
        return ""
    return dotted(base)


def over_rows(axis: ast.expr | None) -> bool:
    """Whether an axis argument runs over samples: none at all, 0, or a tuple with 0 in it."""
    if isinstance(axis, ast.Tuple):
        return any(constant(each) == 0 for each in axis.elts)
    return constant(axis) in (None, 0) and not isinstance(constant(axis), bool)
