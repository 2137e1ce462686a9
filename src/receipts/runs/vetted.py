"""Records whose form was examined once: while size, times and inode stay, a file has the bytes it had.

A record is read from its own bytes every time. What is remembered is that those bytes state no key twice, which takes
longer to find out than all the rest of the reading. `provenance/remembered.py` says why a file's state is enough.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from receipts.provenance.remembered import SETTLED_S, Seen, newest
from receipts.runs.files import remember

NAME = ".vetted"


@dataclass
class Vetted:
    """The states in which records were examined, by run id: those of earlier readings, and those met in this one."""

    path: Path
    before: dict[str, Seen]
    now: dict[str, Seen] = field(default_factory=dict)

    def knows(self, name: str, state: Seen) -> bool:
        """Whether a record in this state was examined before."""
        if self.before.get(name) != state:
            return False
        self.now[name] = state
        return True

    def add(self, name: str, state: Seen) -> None:
        """A record that was examined just now; one written just now might be written again within a clock's tick."""
        if time.time_ns() - newest(state) > SETTLED_S * 1e9:
            self.now[name] = state

    def keep(self) -> None:
        """Remember what was met in this reading and nothing else; where that cannot be, all is examined again."""
        if self.now != self.before:
            remember(self.path, msgspec.json.encode(self.now))


def load(runs: Path) -> Vetted:
    """What is remembered of a folder of runs; nothing where that is missing or no such file."""
    path, before = runs / NAME, dict[str, Seen]()
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        before = msgspec.json.decode(path.read_bytes(), type=dict[str, Seen])
    return Vetted(path, before)
