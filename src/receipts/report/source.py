"""Where the runs come from: the folders here, or also those that the team's MLflow server holds."""

from pathlib import Path

from receipts.config.project import RUNS
from receipts.refusal import Refusal, nearest

SOURCES = ("runs",)


def pulled(source: str) -> Path:
    """The folder of runs to read, after what the source has was put into it."""
    if source not in SOURCES:
        what = f"there is no source {source!r}{nearest(source, SOURCES)}"
        raise Refusal(what, f"known are {', '.join(SOURCES)}", "source=runs")
    return RUNS
