"""YAML files: those of `conf/`, and those that lie beside a record. Either may come from somebody else.

A few lines of aliases can stand for more values than memory holds, and a key that stands twice means one thing to one
reader and another to the next; both are refused, as is what would be read through a link.
"""

from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from receipts.bounds import read_whole
from receipts.config import project
from receipts.refusal import Refusal

LONGEST = 2**20  # bytes of a file
MOST = 100_000  # values in a file, each counted as often as an alias repeats it


def files(group: str) -> dict[str, Path]:
    """The options of a group: file stem to path, in alphabetical order."""
    folder = project.CONF if group == "conf" else project.CONF / group
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_yaml(path: Path) -> DictConfig:
    """A YAML file as it stands; refused when it is no mapping or carries a package header."""
    import yaml

    try:
        text = read_whole(target(path), LONGEST).decode()
        refuse_bomb(text)
        node = OmegaConf.create(text)
    except (yaml.YAMLError, OmegaConfBaseException, AssertionError, ValueError, RecursionError) as error:
        raise Refusal(f"{path} cannot be read as YAML", str(error), f"mend {path}") from error
    if any(line.startswith("# @package") for line in text.splitlines()):
        raise Refusal(
            f"{path} carries a package header",
            "the folder a file lies in says where its keys go, so the header would be ignored",
            f"delete the `# @package` line from {path}",
        )
    if not isinstance(node, DictConfig):
        raise Refusal(f"{path} is not a mapping", "a file of conf/ holds `key: value` lines", f"mend {path}")
    if "hydra" in node or any("hydra/" in str(entry) for entry in node.get("defaults") or ()):
        raise Refusal(
            f"{path} sets Hydra itself",
            "Hydra would call whatever such a file names, before anything here has looked at it",
            "take `hydra` out of the file; on the command line it may stand",
        )
    return node


def target(path: Path) -> Path:
    """The file that a path stands for; a link may lead to another file of the project and nowhere else."""
    if not path.is_symlink():
        return path
    found = path.resolve()
    if not found.is_relative_to(Path.cwd()):
        raise Refusal(
            f"{path} is a link that leads out of the project",
            "what it leads to would be stored with the run and sent to MLflow, whatever it is",
            f"put the file itself in the place of {path}",
        )
    return found


def read_yaml(path: Path) -> Any:
    """A YAML file as plain values. Raises `ValueError`, or `yaml.YAMLError` which is none, for what is not plain YAML,
    and `FileNotFoundError`.
    """
    return plain(read_whole(path, LONGEST).decode())


def plain(text: str) -> Any:
    """The same of a text."""
    import yaml

    refuse_bomb(text)
    try:
        return yaml.load(text, strict())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def refuse_bomb(text: str) -> None:
    """A text that is far longer than any config, or whose aliases stand for far more than it says."""
    import yaml

    if len(text) > LONGEST:
        raise ValueError(f"it is {len(text):,} characters long")
    if "&" not in text:  # no anchors, no aliases
        return
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, loader)
        if root is not None and weight(root, {}) > MOST:
            raise ValueError(f"its aliases stand for more than {MOST:,} values")
    except RecursionError as error:
        raise ValueError("it is nested too deeply, or holds itself") from error


def weight(node: Any, known: dict[int, int]) -> int:
    """How many values a node stands for, aliases followed; raises `RecursionError` for one that holds itself."""
    if id(node) not in known:
        pairs = node.value if isinstance(node.value, list) else []
        inner = [part for pair in pairs for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(weight(part, known) for part in inner)
    return known[id(node)]


@cache
def strict() -> Any:
    """PyYAML's safe loader, which takes a key that stands twice for an error."""
    import yaml

    class Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) < len(keys):
                twice = next(key for key in keys if keys.count(key) > 1)
                raise yaml.constructor.ConstructorError(None, None, f"{twice!r} stands twice", node.start_mark)
            return super().construct_mapping(node, deep)

    return Strict
