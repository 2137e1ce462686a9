"""What a refusal must say and must leave alone."""

import re
from collections.abc import Callable
from pathlib import Path

from launching import Ended

Run = Callable[..., Ended]


NET = "purpose: A mistake.\nseed: 0\nmodel: {_target_: lab.net.Net, features: 64, outputs: 10, hidden: 8, "


DATA = """
data: {_target_: lab.data.Digits, path: data/digits.csv.gz}
split: {rule: contiguous, shares: {train: 0.6, val: 0.2, test: 0.2}}
task: {kind: classification, classes: 10, primary: accuracy}
"""


FIT = "fit: {epochs: 1, batch_size: 64}\n"


def refused(done: Ended, *sentences: str, code: int = 3) -> None:
    """A refusal in its three lines, and nothing else on the error stream."""
    title = {3: "REFUSED", 4: "FAILED"}[code]
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.out + done.err
    assert re.search(rf"^{title} +\S.*\n(.*\n)*? +why +\S.*\n(.*\n)*? +fix +\S", done.err, re.MULTILINE), done.err
    for sentence in sentences:
        assert sentence in done.err


def untouched(project: Path) -> None:
    """Nothing was written: no run folder, no change in the tree."""
    assert not (project / "runs").exists()
    assert not (project / "multirun").exists()


def tampered(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of a file."""
    path.write_bytes(change(path.read_bytes()))
