"""Every command of README.md means something, and its example of two files of one's own really trains."""

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from folders import commit, runs
from launching import launch

from receipts import cli
from receipts.config import entry
from receipts.config import project as place
from receipts.config.compose import compose
from receipts.config.schema import Evaluation

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
FOREIGN = {"git", "cd", ".", "source", "dvc", "mlflow", "uv", "pip", "conda", "docker", "export", "less", "sbatch"}


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Every command of the shell blocks, in words; comments and assignments before a command are left out."""
    lines = "\n".join(blocks("bash") + blocks("sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r"&&|;", line.removeprefix("$ "))]
    words = [shlex.split(part, comments=True) for part in parts]
    plain = [[word for n, word in enumerate(part) if n or not re.match(r"[A-Z_]+=", word)] for part in words]
    return [part for part in plain if part]


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
    if examples():
        commit(folder)
    return folder


@pytest.fixture
def here(told: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(told)
    place.settings.cache_clear()
    yield told
    place.settings.cache_clear()


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
    shown = [" ".join(words) for words in commands()]
    for command in ("make repro", "make test", "python train.py", "python eval.py"):
        assert any(line.startswith(command) for line in shown), f"README.md never says {command}"


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_the_readme_means_something(here: Path, words: list[str]) -> None:
    tool = Path(words[0]).name
    assert tool in CHECKS or tool in FOREIGN, f"what is {tool}?"
    if tool in CHECKS:
        CHECKS[tool](words[1:])


@pytest.mark.parametrize("name", [Path(name).stem for name in examples() if re.fullmatch(r"conf/\w+\.yaml", name)])
def test_the_readmes_own_example_trains(told: Path, name: str) -> None:
    done = launch(told, "train.py", f"conf={name}", "preset=smoke")
    assert done.code == 0, done.err
    assert f"-{name}-" in runs(told)[0].name
