"""What is worth changing in code though it moves no number: told by `receipts check static`, never a verdict."""

from collections.abc import Iterator

from receipts.config.compose import Experiment


def of(experiment: Experiment) -> Iterator[str]:
    """Advice on the files that an experiment imports, one line each."""
    yield from ()
