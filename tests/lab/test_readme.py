"""Every command of README.md means something, and its example of two files of one's own really trains."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from folders import inside, record
from launching import launch

from receipts import cli
from receipts.config import entry
from receipts.config.compose import compose
from receipts.config.questions import Evaluation

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
FOREIGN = {"git", "cd", ".", "source", "dvc", "mlflow", "uv", "pip", "conda", "docker", "export", "less", "cp", "rm"}


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    """Every command of a shell block, in words; comments and assignments before a command are left out."""
    found: list[list[str]] = []
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="&;")
        words.whitespace_split = True
        found.append([])
        for word in words:
            if set(word) <= {"&", ";"}:
                found.append([])
            elif found[-1] or not re.match(r"[A-Z_]+=", word):
                found[-1].append(word)
    return [part for part in found if part]


SHOWN = [words for block in blocks("bash") + blocks("sh") for words in commands(block)]


def examples() -> dict[str, str]:
    """The files that README shows in full: blocks whose first line names where they belong."""
    shown = blocks("yaml") + blocks("python")
    return {found[1]: text for text in shown if (found := re.match(r"# ((?:conf|src/lab)/[\w/]+\.\w+)", text))}


@pytest.fixture(scope="module")
def told(shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with README's own files in it."""
    folder = tmp_path_factory.mktemp("readme") / "receipts"
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("runs"))
    for name, text in examples().items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def here(told: Path) -> Iterator[Path]:
    with inside(told):
        yield told


def check_python(words: list[str]) -> None:
    """A script of the repository with words that it understands."""
    script, *typed = [word for word in words if word != "-W"]
    assert (ROOT / script).is_file(), f"there is no {script}"
    if script not in ("train.py", "eval.py"):
        return
    entry.check_options(typed)
    settings = [word for word in typed if "=" in word and not word.startswith("-")]
    if script == "eval.py":
        assert {word.partition("=")[0] for word in settings} <= {field.name for field in fields(Evaluation)}
    elif {"-m", "--multirun"} & set(typed):
        entry.check_sweep(typed, None)
    else:
        compose(*settings)


def check_receipts(words: list[str]) -> None:
    """A verb with its words."""
    cli.parser().parse_args(words)


def check_make(words: list[str]) -> None:
    """Verbs of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for word in words if "=" not in word and not word.startswith("-")} <= targets


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "python": check_python,
    "receipts": check_receipts,
    "make": check_make,
}


def test_readme_shows_how_to_begin() -> None:
    shown = [" ".join(words) for words in SHOWN]
    for command in ("make repro", "make test", "python train.py", "python eval.py"):
        assert any(line.startswith(command) for line in shown), f"README.md never says {command}"


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_every_command_of_the_readme_means_something(here: Path, words: list[str]) -> None:
    tool = words[0].rpartition("/")[2]
    assert tool in CHECKS or tool in FOREIGN, f"what is {tool}?"
    if tool in CHECKS:
        CHECKS[tool](words[1:])


@pytest.mark.slow
def test_the_readmes_own_model_and_data_work_as_it_says(told: Path) -> None:
    for block in blocks("sh"):
        if "python train.py" not in block:
            continue
        for line in block.splitlines():
            for words in [line] if not line.startswith(("python", "receipts")) else line.split(" && "):
                follow(told, words)
    names = [Path(name).stem for name in examples() if re.fullmatch(r"conf/\w+\.yaml", name)]
    assert names
    found = [record(told, number) for number in range(len(names))]
    assert sorted(run["conf"] for run in found) == sorted(names)
    for run in found:
        assert run["reportable"]
        assert {score["split"] for score in run["scores"]} == {"val", "test"}


def follow(folder: Path, line: str) -> None:
    """Do what a line says: our own commands in a forked process, others in a shell."""
    tool, *words = shlex.split(line)
    if tool in ("python", "receipts"):
        script, *words = words if tool == "python" else [tool, *words]
        done = launch(folder, script, *words)
        assert done.code == 0, done.err
        return
    person = {
        f"GIT_{role}_{what}": "tests@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-ec", line], cwd=folder, env=os.environ | person | {"PATH": path}, check=True)
