"""`--help`: what can be chosen, and the experiment as it would be composed.

Hydra's own help walks through every group of its own twice and takes a quarter of a second longer.
"""

import inspect
from collections.abc import Sequence

from omegaconf import OmegaConf

from receipts.config import compose
from receipts.config.files import files, load_yaml
from receipts.refusal import visible


def of_experiment(story: str, words: Sequence[str]) -> str:
    """The help of a script that takes an experiment: its groups, their options, the composed values."""
    composed = compose.compose(*words)
    lines = [story.strip(), "", "conf"]
    known = files("conf")
    width = max(len(name) for name in known)
    lines += [f"  {name:<{width}}  {load_yaml(path).get('purpose', '')}".rstrip() for name, path in known.items()]
    lines += [f"{group:<8} {', '.join(files(group))}" for group in compose.GROUPS if group != "conf"]
    lines += ["", f"conf={composed.conf} as composed; key=value overrides any of it:", ""]
    return visible("\n".join(lines) + "\n" + composed.text.decode() + FLAGS)


def of_options(story: str, options: type) -> str:
    """The help of a script with a few options of its own."""
    meaning = inspect.cleandoc(options.__doc__ or "")
    return f"{story.strip()}\n\n{meaning}\n\n{OmegaConf.to_yaml(OmegaConf.structured(options))}"


FLAGS = """
-m, --multirun      one run for every combination of comma-separated values
--cfg job           print the composed config and stop
--hydra-help        Hydra's own flags, tab completion among them
"""
