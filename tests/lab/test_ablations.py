"""Every command of docs/ablations.md means something, and the shipped experiment's own ablations make a plan."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from launching import launch

from receipts import cli
from receipts.ablation.arms import question
from receipts.config.entry import spelt
from receipts.config.questions import Ablating

TEXT = (Path(__file__).resolve().parents[2] / "docs/ablations.md").read_text()
SHOWN = [
    words
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if (words := shlex.split(line, comments=True))
]


def asked(words: list[str]) -> Ablating:
    """The options as Hydra reads them."""
    values: dict[str, Any] = {}
    for override in OverridesParser.create().parse_overrides(spelt(words, Ablating)):
        value = override.value()
        values[override.key_or_group] = [str(part) for part in value] if isinstance(value, list) else value
    return Ablating(**values)


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_every_command_of_the_page_means_something(here: Path, words: list[str]) -> None:
    if words[0] == "receipts":
        cli.parser().parse_args(words[1:])
        return
    assert words[:2] == ["python", "ablate.py"]
    assert question(asked(words[2:])).variants


def test_the_shipped_experiment_declares_an_ablation(shipped: Path) -> None:
    done = launch(shipped, "ablate.py", "dry_run=true")
    assert done.code == 0, done.err
    assert "model.dropout: 0.25 -> 0\n" in done.out
    assert "Dropout matters because a thousand images are few. Expected: worse." in done.out
    assert "  cells    10, " in done.out
