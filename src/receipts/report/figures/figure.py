"""A figure before it is drawn: the very rows that its CSV holds, a caption that stands alone, and its receipt.

Drawing sees the rows and nothing else, so a picture cannot show a number that its CSV lacks.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from receipts.runs.record import Record
from receipts.runs.sheets import sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Rows = Sequence[Mapping[str, Any]]
COMMAND = "python report.py"
SHORT = "In short: "  # what a caption's last sentence begins with


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `draw(rows, **labels)` makes the picture; `labels` are the words it needs beside the rows' own.

    `images` are what no row can hold, and go to `draw` as well where there are any.

    `runs` are the runs it rests on; `inputs` maps each file that was read, `RUN/FILE`, to its SHA-256.
    """

    name: str
    title: str
    caption: str
    split: str
    rows: Rows
    runs: Sequence[Record]
    draw: Callable[..., "Drawing"]
    labels: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, Any] = field(default_factory=dict)

    def csv(self) -> bytes:
        """The rows as CSV, numbers with all their digits."""
        columns = list(self.rows[0])
        return sheet([columns, *([row[name] for name in columns] for row in self.rows)]).encode()

    def receipt(self) -> dict[str, Any]:
        """Where the picture comes from, as `figures/NAME.json` and the page hold it."""
        return {
            "name": self.name,
            "title": self.title,
            "caption": self.caption,
            "split": self.split,
            "runs": [run.run_id for run in self.runs],
            "seeds": sorted({run.seed for run in self.runs}),
            "commits": sorted({run.code.commit for run in self.runs}),
            "data": sorted({run.identity.data for run in self.runs}),
            "harness": sorted({run.code.harness for run in self.runs}),
            "inputs": dict(sorted(self.inputs.items())),
            "csv_sha256": hashlib.sha256(self.csv()).hexdigest(),
            "command": COMMAND,
        }

    def drawing(self) -> "Drawing":
        """The picture."""
        return self.draw(self.rows, **self.labels, **({"images": self.images} if self.images else {}))

    @property
    def takeaway(self) -> str:
        """What the caption says in short."""
        return self.caption.partition(SHORT)[2]

    def fingerprint(self, drawn_by: str) -> str:
        """One hash over everything that can change the picture; `drawn_by` stands for the code that draws it."""
        pixels = {name: hashlib.sha256(image.tobytes()).hexdigest() for name, image in self.images.items()}
        words = json.dumps([self.name, dict(self.labels), pixels, drawn_by], sort_keys=True, default=str)
        return hashlib.sha256(self.csv() + words.encode()).hexdigest()
