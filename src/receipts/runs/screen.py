"""Rows of tables on a screen, whose cells are text and nothing else."""

from collections.abc import Sequence

from rich.text import Text

from receipts.refusal import visible


def texts(row: Sequence[str]) -> list[Text]:
    """Cells in which nothing is markup, and nothing moves the cursor."""
    return [Text(visible(cell)) for cell in row]
