"""Entries under prompts/: what of generated code nobody has read is told at the top of the report."""

from pathlib import Path

import pytest
from recorded import ran, reported

from receipts.report.prompts import findings

ENTRY = """---
model: some-model 4
date: 2026-11-20
files: [src/lab/cnn.py]
relied_on: ["torch.nn.functional.cross_entropy(input, target), torch 2.13"]
---
Write me a CNN.

- [x] the softmax is applied twice (Ada)
- [ ] the augmentation also changes val
- [X] labels may be shifted
"""


def write(text: str, name: str = "cnn.md") -> None:
    Path("prompts").mkdir(exist_ok=True)
    (Path("prompts") / name).write_text(text)


def test_what_nobody_has_ticked_by_name_is_the_first_thing_a_reader_sees(lab: Path) -> None:
    ran()
    write(ENTRY)
    (told,) = reported().findings
    assert told == (
        "GENERATED CODE  prompts/cnn.md, by some-model 4: 2 of 3 ways it could be wrong have no tick with a name: "
        "the augmentation also changes val; labels may be shifted"
    )


def test_an_entry_that_is_settled_and_prompts_of_runs_say_nothing(lab: Path) -> None:
    write(ENTRY.replace("[ ]", "[x]").replace("val\n", "val (Ada)\n").replace("shifted", "shifted (Bo)"))
    write("Which digit is this?\n- [ ] a seven\n", "ask.md")
    write(ENTRY, "ask.txt")
    assert findings() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\nmodel: m\n---\n- [x] wrong (Ada)\n", "its header lacks date, files, relied_on"),
        ("---\n: [\n---\n- [x] wrong (Ada)\n", "a model that is not named: its header lacks model"),
        (ENTRY[: ENTRY.index("- [x]")], "it does not say how it could be wrong"),
    ],
)
def test_what_an_entry_lacks_is_told(lab: Path, text: str, told: str) -> None:
    write(text)
    (found,) = findings()
    assert told in found
