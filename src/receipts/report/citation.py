"""CITATION.cff: who made this project, and where it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from receipts.config.files import read_yaml
from receipts.refusal import Refusal

PATH = Path("CITATION.cff")


def read() -> dict[str, Any]:
    """What the file says; nothing where there is none, refused where it cannot be read."""
    try:
        found = read_yaml(PATH)
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refusal(f"{PATH} cannot be read", str(error), f"mend {PATH}") from error
    return found if isinstance(found, dict) else {}


def people() -> Iterator[dict[str, str]]:
    """What it says of each author and contact, those of the paper that it asks to be cited included."""
    found = read()
    paper = found.get("preferred-citation")
    for part in (found, paper if isinstance(paper, dict) else {}):
        for key in ("authors", "contact"):
            listed = part.get(key)
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, dict):
                    yield {str(name): str(said) for name, said in one.items() if said is not None}
