"""Receipts: every number carries its receipt. The public door; everything else is free to change.

Resolved when first used, so that the door itself imports nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from receipts.config.build import build
    from receipts.config.compose import compose
    from receipts.data.fetch import fetch
    from receipts.data.protocol import Dataset
    from receipts.evaluation.metrics import evaluate
    from receipts.loading import load
    from receipts.refusal import Refusal

__all__ = ["Dataset", "Refusal", "build", "compose", "evaluate", "fetch", "load"]

_ROOMS = {
    "Dataset": "receipts.data.protocol",
    "Refusal": "receipts.refusal",
    "build": "receipts.config.build",
    "compose": "receipts.config.compose",
    "evaluate": "receipts.evaluation.metrics",
    "fetch": "receipts.data.fetch",
    "load": "receipts.loading",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'receipts' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
