"""The YAML files of `conf/`: which there are, and what stands in one."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from receipts.config import project
from receipts.refusal import Refusal


def files(group: str) -> dict[str, Path]:
    """The options of a group: file stem to path, in alphabetical order."""
    folder = project.CONF if group == "conf" else project.CONF / group
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_yaml(path: Path) -> DictConfig:
    """A YAML file as it stands; refused when it is no mapping or carries a package header."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        node = OmegaConf.create(text)
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise Refusal(f"{path} cannot be read as YAML", str(error), f"mend {path}") from error
    if any(line.startswith("# @package") for line in text.splitlines()):
        raise Refusal(
            f"{path} carries a package header",
            "the folder a file lies in says where its keys go, so the header would be ignored",
            f"delete the `# @package` line from {path}",
        )
    if not isinstance(node, DictConfig):
        raise Refusal(f"{path} is not a mapping", "a file of conf/ holds `key: value` lines", f"mend {path}")
    return node
