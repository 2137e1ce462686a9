"""Generated code and who has read it: entries under `prompts/`, and what nobody has ticked yet.

An entry is a Markdown file that begins with a header between two lines of `---`: `model`, `date`, `files` (which it
touched) and `relied_on` (signatures and pages that the answer rests on, with versions). Its own list of ways in which
it could be wrong follows as a task list; a line is settled by a tick and a name: `- [x] softmax twice (Ada)`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from receipts.config.files import plain

FOLDER = Path("prompts")
HEADER = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
TASK = re.compile(r"^\s*[-*] \[([ xX])\] (.+)$", re.MULTILINE)
NAMED = re.compile(r"\(([^()]+)\)\s*$")
KEYS = ("model", "date", "files", "relied_on")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer of a model: what its header lacks, and which of its own doubts nobody has settled."""

    path: Path
    model: str
    lacks: tuple[str, ...]
    doubts: int
    open: tuple[str, ...]


def entries(folder: Path = FOLDER) -> Iterator[Entry]:
    """Every entry, by name; files without such a header are prompts of runs, and are nobody's to tick."""
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if (header := HEADER.match(text)) is not None:
            yield entry(path, header[1], text[header.end() :])


def entry(path: Path, header: str, body: str) -> Entry:
    """An entry; a header that cannot be read lacks everything."""
    try:
        facts = plain(header)
    except (yaml.YAMLError, ValueError):
        facts = None
    stated = facts if isinstance(facts, dict) else {}
    lacks = tuple(key for key in KEYS if not stated.get(key))
    tasks = TASK.findall(body)
    waiting = tuple(text.strip() for tick, text in tasks if tick == " " or not NAMED.search(text))
    return Entry(path, str(stated.get("model") or "a model that is not named"), lacks, len(tasks), waiting)


def findings(folder: Path = FOLDER) -> list[str]:
    """What a reader of the report must know: one sentence for every entry that is not settled."""
    return [told for one in entries(folder) if (told := sentence(one))]


def sentence(one: Entry) -> str:
    """What is open about an entry; nothing where all of it is settled."""
    said = [f"its header lacks {', '.join(one.lacks)}"] if one.lacks else []
    said += [] if one.doubts else ["it does not say how it could be wrong"]
    if one.open:
        more = f" and {len(one.open) - SHOWN} more" if len(one.open) > SHOWN else ""
        said.append(
            f"{len(one.open)} of {one.doubts} ways it could be wrong have no tick with a name: "
            f"{'; '.join(one.open[:SHOWN])}{more}"
        )
    return f"GENERATED CODE  {one.path.as_posix()}, by {one.model}: {'; '.join(said)}" if said else ""
