"""Giving back to objects what a point holds of them, wherever they stand now."""

from collections import deque
from typing import Any

from torch import Tensor

from receipts.provenance import streams
from receipts.provenance.determinism import is_generator
from receipts.training.holders import Entries, Fields
from receipts.training.holdings import Walk
from receipts.training.kinds import is_stateful
from receipts.training.plain import NotPlain, given_back, leads_out, unpacked

INTO = (dict, list, deque, Entries, Fields)


def put(walk: Walk, name: str, holder: str, key: Any, found: Any) -> bool:
    """Put a value where it was; False where that place is not there any more."""
    place, into = walk.places.get(name), walk.holders.get(holder)
    now = place.value if place else None
    if leads_out(found):
        return False
    try:
        if isinstance(found, tuple) and found[0] in ("stream", "state"):
            return is_taken_up(now, *found)
        value = given_back(found, now)
    except (NotPlain, KeyError, ValueError):  # the last two: an optimizer that has other groups than then
        return False
    if value is now and isinstance(now, Tensor | dict | list | deque | set):
        return True
    if not isinstance(into, INTO) or (place is None and not isinstance(into, dict)):
        return False
    into[key] = value
    return True


def is_taken_up(thing: Any, kind: str, state: Any) -> bool:
    """Whether a generator, an optimizer or a schedule stands again where one stood."""
    if kind == "stream" and is_generator(thing):
        streams.restore(thing, unpacked(state))
        return True
    if kind != "state" or not is_stateful(thing):
        return False
    groups = getattr(thing, "param_groups", [])
    thing.load_state_dict(unpacked(state))
    for group, loaded in zip(groups, getattr(thing, "param_groups", []), strict=True):
        group.update(loaded)
    if groups:
        thing.param_groups = groups  # which others may hold, as an optimizer that steps by this one
    return True
