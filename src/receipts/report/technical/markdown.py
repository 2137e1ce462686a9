"""Lists and tables in Markdown; nothing of no lines."""

from collections.abc import Sequence

from receipts.runs.views import escaped


def bullets(lines: Sequence[str]) -> list[str]:
    """A list in Markdown; nothing of no lines."""
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def grid(head: Sequence[str], lines: Sequence[Sequence[object]]) -> list[str]:
    """A table in Markdown; nothing of no lines."""
    if not lines:
        return []
    rows = [[escaped(str(cell)) for cell in line] for line in lines]
    return ["\n".join(f"| {' | '.join(line)} |" for line in [list(head), ["---"] * len(head), *rows])]
