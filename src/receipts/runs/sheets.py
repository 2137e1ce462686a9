"""CSV for people, who open it in a spreadsheet: no text in it is computed there.

A cell that begins with one of `=+-@`, a tab or a line's end is a formula to a spreadsheet, and a formula can fetch,
send and start things. Text that begins so gets an apostrophe in front; numbers stay numbers. What programs read
(Parquet, `history.csv`, `results/*.csv`) holds every name as it is.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from receipts.refusal import visible

FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)")


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula, and no carriage return in it for the end of a row."""
    text = visible(text)
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def sheet(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, every text of them inert."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()
