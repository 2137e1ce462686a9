"""Which of the researcher's files belong to a run: those that its targets import, or all where nobody can tell."""

from pathlib import Path

import pytest

from receipts.provenance import code

ALL = "all of src/lab"


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("__init__", "")
    write("other", "class Other: ...")


def write(name: str, text: str) -> None:
    path = Path("src/lab") / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(*targets: str) -> set[str]:
    """The followed files without `src/lab/` and `.py`."""
    return {name.removeprefix("src/lab/").removesuffix(".py") for name in code.lab(targets)}


def test_a_model_alone_is_itself_and_its_package() -> None:
    write("net", "import torch\nclass Net: ...")
    assert files("lab.net.Net") == {"__init__", "net"}
    assert files("lab.net.Net.Inner") == {"__init__", "net"}
    assert files("sklearn.linear_model.Ridge") == set()
    assert files() == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import lab.parts.layers",
        "import lab.parts.layers as deep",
        "import os, lab.parts.layers as deep",
        "from lab.parts.layers import Layer",
        "from lab.parts.layers import Layer as L",
        "from lab.parts import layers",
        "from lab.parts import layers as deep",
        "from .parts import layers",
        "from .parts.layers import Layer",
        "from . import parts\nfrom .parts import layers",
        "def late():\n    from lab.parts import layers",
        "try:\n    import lab.parts.layers\nexcept ImportError: ...",
        "if TYPE_CHECKING:\n    from lab.parts.layers import Layer",
    ],
)
def test_every_spelling_of_an_import_is_followed(statement: str) -> None:
    write("net", statement)
    write("parts/__init__", "")
    write("parts/layers", "class Layer: ...")
    write("parts/unused", "")
    assert files("lab.net.Net") == {"__init__", "net", "parts/__init__", "parts/layers"}


@pytest.mark.parametrize("statement", ["from ..tools import ease", "from .. import tools", "import lab.tools"])
def test_relative_imports_climb(statement: str) -> None:
    write("parts/__init__", "")
    write("parts/layers", statement)
    write("tools", "def ease(): ...")
    assert files("lab.parts.layers.Layer") == {"__init__", "parts/__init__", "parts/layers", "tools"}


def test_a_package_is_followed_through_its_init() -> None:
    write("parts/__init__", "from .layers import Layer\nfrom . import norms")
    write("parts/layers", "from ..tools import ease")
    write("parts/norms", "")
    write("tools", "import lab.net")  # a circle
    write("net", "from lab.parts import Layer")
    found = {"__init__", "net", "parts/__init__", "parts/layers", "parts/norms", "tools"}
    assert files("lab.net.Net") == found
    assert files("lab.parts.Layer") == found


def test_what_the_top_package_imports_belongs_to_every_run() -> None:
    write("__init__", "from lab import settings")
    write("settings", "")
    write("net", "")
    assert files("lab.net.Net") == {"__init__", "net", "settings"}


def test_several_targets_are_followed_together() -> None:
    write("net", "")
    write("data", "from lab import tools")
    write("tools", "")
    assert files("lab.net.Net", "lab.data.Digits", "torch.nn.ReLU") == {"__init__", "net", "data", "tools"}


@pytest.mark.parametrize(
    "statement",
    [
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module\nimport_module(name)",
        "from importlib import import_module as load\nload(name)",
        "import importlib as i\nload = i.import_module",
        "import importlib.util\nimportlib.util.spec_from_file_location(name, place)",
        "from importlib import util\nutil.find_spec(name)",
        "import runpy\nrunpy.run_path(place)",
        "import pkgutil\npkgutil.resolve_name(name)",
        "__import__(name)",
        "load = __import__",
        "exec(text)",
        "eval(text)",
        "import builtins\nbuiltins.exec(text)",
        "from lab.parts import *",
        "from .parts import *",
    ],
)
def test_an_import_that_nobody_can_follow_takes_in_the_whole_lab(statement: str) -> None:
    write("net", "from lab import tools")
    write("tools", statement)
    write("parts/__init__", "__all__ = ['layers']")  # a starred import of a package may import its modules
    write("parts/layers", "")
    assert files("lab.net.Net") == {"__init__", "net", "other", "tools", "parts/__init__", "parts/layers"}


@pytest.mark.parametrize(
    "statement",
    [
        "self.eval()\nmodel.eval().predict(x)",
        "from importlib.metadata import version\nversion('torch')",
        "import importlib.resources\nimportlib.resources.files('sklearn')",
        "from torch.nn import *",
        "import labels, laboratory.net",
        "'import lab.other'  # only a text",
    ],
)
def test_what_only_looks_like_an_import_is_none(statement: str) -> None:
    write("net", statement)
    assert files("lab.net.Net") == {"__init__", "net"}


def test_hashes_are_of_bytes_and_of_names() -> None:
    write("net", "a = 1\n")
    before = code.lab(["lab.net.Net"])
    write("net", "a = 1 \n")
    after = code.lab(["lab.net.Net"])
    assert before["src/lab/__init__.py"] == after["src/lab/__init__.py"]
    assert before["src/lab/net.py"] != after["src/lab/net.py"]
    assert code.combined({"a": "1", "b": "2"}) == code.combined({"b": "2", "a": "1"}) != code.combined({"a": "2"})


def test_of_the_core_only_what_is_hashed_can_move_numbers() -> None:
    for name, can in {
        "src/receipts/report/build.py": False, "src/receipts/cli.py": False, "src/receipts/report/page/page.css": False,
        "src/receipts/evaluation/metrics.py": True, "train.py": True, "src/lab/net.py": True,
    }.items():  # fmt: skip
        assert code.can_move_numbers(name) is can, name


def test_the_core_is_hashed_without_what_cannot_move_a_number() -> None:
    """The harness is hashed apart as well, and both are the same in every process."""
    assert code.core() == code.core()
    assert len({code.core(), code.harness()}) == 2
    assert all(path.is_file() for path in code.HARNESS)
    assert code.REPORTING == ("report", "ablation", "gauntlet", "reproduction", "replay")
