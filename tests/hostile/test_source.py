"""The core's own source: every door that can run what a file says is shut where it stands."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import receipts

CORE = Path(receipts.__file__).parent
SCRIPTS = [CORE.parents[1] / f"{name}.py" for name in ("train", "eval", "ablate", "report", "gauntlet")]
FILES = sorted(CORE.rglob("*.py"))
DEMANDED = {  # the last name of a call, and the argument it must state so
    "load_from_checkpoint": ("weights_only", True),
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
FORBIDDEN = ("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib.load", "jsonpickle", "telnetlib")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def stated(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(word.value) for word in call.keywords if word.arg == name), None)


def open_doors(source: str) -> list[str]:
    """Calls and imports in a source that would run what a file says."""
    tree, found = ast.parse(source), []
    for name, call in calls(tree):
        found += [
            f"{name} without {word}={value}"
            for end, (word, value) in DEMANDED.items()
            if (name == end or ("." not in end and name.endswith(f".{end}"))) and stated(call, word) is not value
        ]
        if any(word.arg == "ckpt_path" and not is_none(word.value) for word in call.keywords):
            found += [] if stated(call, "weights_only") is True else [f"{name}(ckpt_path=…) without weights_only=True"]
        if name in ("eval", "exec", "os.system", "yaml.unsafe_load", "yaml.full_load", "pd.read_pickle"):
            found.append(name)
        if name == "yaml.load" and "strict()" not in ast.unparse(call):
            found.append(name)
        if name.endswith("Environment") and "jinja2" in name and stated(call, "autoescape") is not True:
            found.append(f"{name} without autoescape=True")
        if name.endswith(("extractall", "unpack_archive")):
            found.append(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            found += [f"import {name}" for name in names if name.split(".")[0] in FORBIDDEN]
    return found


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


@pytest.mark.parametrize("path", [*FILES, *SCRIPTS], ids=lambda path: path.relative_to(CORE.parents[1]).as_posix())
def test_no_call_runs_what_a_file_says(path: Path) -> None:
    assert open_doors(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "Net.load_from_checkpoint(path)",
        "trainer.fit(module, ckpt_path='last')",
        "yaml.load(text, yaml.Loader)",
        "eval(text)",
        "import pickle",
        "from cloudpickle import loads",
        "jinja2.Environment()",
        "tarfile.open(p).extractall()",
    ],
)
def test_an_open_door_is_seen(source: str) -> None:
    assert open_doors(source)


def test_only_one_command_goes_through_a_shell() -> None:
    shells = [
        path.relative_to(CORE).as_posix()
        for path in FILES
        for _, call in calls(ast.parse(path.read_text(encoding="utf-8")))
        if stated_any(call, "shell")
    ]
    assert shells == ["runs/ending.py"], "on_end, which only the command line sets"


def stated_any(call: ast.Call, name: str) -> bool:
    return any(word.arg == name for word in call.keywords)
