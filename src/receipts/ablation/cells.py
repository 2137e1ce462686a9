"""What the cells of a plan came to: plans hold no numbers, so that each is looked up by what it is."""

from receipts.runs import store
from receipts.runs.plans import Cell
from receipts.runs.record import Record


def run_of(cell: Cell) -> Record | None:
    """The run behind a cell: the completed one of its identity, else the newest; None where there is none yet."""
    found = list(store.known(cell.identity))
    return next((record for record in found if record.status == "completed"), found[0] if found else None)
