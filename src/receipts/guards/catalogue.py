"""The catalogue of checks, under the name by which the guards know it."""

from receipts.checks.catalogue import (
    GUARDS,
    declare,
    failed,
    not_applicable,
    not_run,
    passed,
    settled,
    stop_at_failure,
)
from receipts.checks.guard import Guard, Stage

__all__ = [
    "GUARDS",
    "Guard",
    "Stage",
    "declare",
    "failed",
    "not_applicable",
    "not_run",
    "passed",
    "settled",
    "stop_at_failure",
]
