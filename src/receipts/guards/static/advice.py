"""What is worth changing in code though it need not move a number: told by `receipts check static`, no verdict."""

import ast
from collections.abc import Callable, Iterator

from receipts.config.compose import Experiment
from receipts.guards.static import source
from receipts.guards.static.source import Source, called, constant, dotted, given

DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


def of(experiment: Experiment) -> Iterator[str]:
    """Advice on the files that an experiment imports, one line each."""
    for each in source.of(experiment):
        for node in ast.walk(each.tree):
            for rule in RULES:
                if told := rule(each, node):
                    yield f"{each.at(node)}: {told}"


def swallowed(source: Source, node: ast.AST) -> str:
    """An exception that nobody hears of."""
    broad = isinstance(node, ast.ExceptHandler) and (
        node.type is None or dotted(node.type) in ("Exception", "BaseException")
    )
    silent = isinstance(node, ast.ExceptHandler) and all(
        isinstance(each, ast.Pass | ast.Continue) for each in node.body
    )
    return "whatever goes wrong here is swallowed; name the exception, and say it" if broad and silent else ""


def defaulted(source: Source, node: ast.AST) -> str:
    """A look-up of configuration that goes on where the key is misspelt."""
    held = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
    owner = (
        dotted(node.func.value) if held and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    )
    named = owner.rpartition(".")[2] in ("cfg", "config", "hparams", "conf", "opt", "args")
    return "a default hides a misspelt key; take the value as an argument of the constructor" if named else ""


def without_axis(source: Source, node: ast.AST) -> str:
    """A softmax that guesses its axis from the number of axes."""
    if not isinstance(node, ast.Call):
        return ""
    functional = source.meant(node.func) in [f"torch.nn.functional.{name}" for name in ("softmax", "log_softmax")]
    module = called(node) in ("Softmax", "LogSoftmax")
    bare = given(node, "dim", 0 if module else 1) is None
    return "softmax without dim guesses the axis; say dim=-1" if (functional or module) and bare else ""


def lenient(source: Source, node: ast.AST) -> str:
    """Weights that are loaded where they fit, and left as they are where they do not."""
    loose = (
        called(node) == "load_state_dict" and isinstance(node, ast.Call) and constant(given(node, "strict", 1)) is False
    )
    return "strict=False loads what fits and says nothing of the rest; check the keys that it returns" if loose else ""


def global_draw(source: Source, node: ast.AST) -> str:
    """A draw from NumPy's global generator: seeded by the core, and shared with everything else that draws."""
    name = source.meant(node.func) if isinstance(node, ast.Call) else ""
    drawn = name.startswith("numpy.random.") and name.rpartition(".")[2].islower() and not name.endswith("default_rng")
    return "this draws from a generator that everybody shares; take one of your own" if drawn else ""


def always_dropping(source: Source, node: ast.AST) -> str:
    """Dropout that is told to go on while predicting."""
    told = isinstance(node, ast.Call) and called(node) in DROPOUTS and constant(given(node, "training", 2)) is True
    return "training=True drops while predicting too; is that meant?" if told else ""


RULES: tuple[Callable[[Source, ast.AST], str], ...] = (
    swallowed,
    defaulted,
    without_axis,
    lenient,
    global_draw,
    always_dropping,
)
