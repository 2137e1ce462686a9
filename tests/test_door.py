"""The public door: seven names, pinned, and nothing heavy behind it until one of them is used."""

import inspect
import subprocess
import sys

import pytest

import receipts

HEAVY = ("numpy", "torch", "lightning", "sklearn", "pandas", "mlflow", "hydra", "omegaconf", "dvc", "rich", "msgspec")


def test_the_names_are_pinned() -> None:
    assert receipts.__all__ == ["Dataset", "Refusal", "build", "compose", "evaluate", "fetch", "load"]
    assert set(receipts._ROOMS) == set(receipts.__all__)


@pytest.mark.parametrize("name", receipts.__all__)
def test_each_name_leads_into_a_room(name: str) -> None:
    found = getattr(receipts, name)
    assert found.__name__ == name
    assert found.__module__ == receipts._ROOMS[name]
    assert inspect.getdoc(found), "whoever meets it in a notebook wants to read what it does"


def test_other_names_are_none() -> None:
    with pytest.raises(AttributeError, match="module 'receipts' has no attribute 'Datasets'"):
        _ = receipts.Datasets


def test_the_door_itself_imports_nothing_heavy() -> None:
    code = (
        "import sys, receipts\n"
        "from receipts import Refusal\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])\n"
        "from receipts import *\n"
        "print(*sorted(name for name in dir() if name in receipts.__all__))\n"
        "print(*[name for name in ('torch', 'lightning', 'mlflow', 'pandas') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "Dataset Refusal build compose evaluate fetch load", ""]
