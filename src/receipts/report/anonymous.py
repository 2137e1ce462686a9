"""`anonymous=true`: the same report for double-blind review, without names, home folders, hosts and remotes.

What is looked for comes from git, CITATION.cff, the records and this machine; e-mail addresses and home folders also by
their shape. Commits stay, since a number without one has no receipt: they lead to people only where the repository is
public. Nothing but the export is changed, and the list of what was stripped lies beside it, not in it.
"""

import getpass
import html
import json
import re
import shutil
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from receipts.provenance import git
from receipts.refusal import CheckFailed
from receipts.report import citation, latex, output
from receipts.report.model import Report
from receipts.runs.log import say
from receipts.runs.record import Record
from receipts.runs.views import counted

Kind = Literal["name", "e-mail", "home", "host", "remote"]
SHAPES: dict[Kind, re.Pattern[str]] = {
    "e-mail": re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"),
    "home": re.compile(r"/(?:home|Users)/[\w.-]+|[A-Z]:\\{1,2}Users\\{1,2}[\w.-]+"),
}
TOO_COMMON = {"localhost", "root", "user", "admin", "runner", "anonymous", "nobody", "tests", "test"}
INNOCENT = re.compile(r"^receipt@|@(?:[\w-]+\.)*example\.(?:org|com|net)$")  # TeX names of numbers; invented addresses
FULL_NAME = re.compile(r"[^\W\d_a-z][\w'-]+ [^\W\d_a-z][\w'-]{3,}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that would tell who made this."""

    kind: Kind
    text: str


@dataclass
class Stripped:
    """How often each secret stood in each file."""

    found: Counter[tuple[str, Secret]] = field(default_factory=Counter)

    def markdown(self, folder: Path) -> str:
        """The list for its author: it names what was stripped, so it stays out of the export."""
        lines = [
            f"# What was stripped from {folder.name}/",
            "",
            "Keep this list to yourself: it names what was found.",
            "",
        ]
        lines += ["| file | what | text | times |", "|---|---|---|---|"]
        for (file, secret), times in sorted(self.found.items(), key=lambda pair: (pair[0][0], pair[0][1].text)):
            lines.append(f"| {file} | {secret.kind} | `{secret.text}` | {times} |")
        return "\n".join(
            [*lines, "", "Commit hashes are kept: they lead to people only where the repository is public.", ""]
        )


def export(report: Report, folder: Path) -> Path:
    """Write the stripped copy of a report that was written, and beside it the list; returns the copy's folder."""
    known = secrets([entry.record for entry in report.ledger if entry.record is not None])
    place, done = folder.with_name(f"{folder.name}-anonymous"), Stripped()
    output.refuse_foreign(place)
    with output.beside(place) as fresh:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            copy(path, fresh / strip(name, known, done, name), known, done, name)
        output.swap(fresh, place)
    told = place.with_name(f"{place.name}-stripped.md")
    told.write_text(done.markdown(place), encoding="utf-8")
    many = counted(done.found.total(), "mention")
    say(f"{place}/ is for review: {many} of names and addresses stripped, listed in {told}")
    return place


def copy(path: Path, target: Path, known: list[Secret], done: Stripped, name: str) -> None:
    """One file: text is stripped, and whatever is no text must hold nothing that would have to be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        refuse_telling(name, data, known)
        shutil.copyfile(path, target)
        return
    target.write_text(strip(text, known, done, name), encoding="utf-8")


def refuse_telling(name: str, data: bytes, known: list[Secret]) -> None:
    """A picture or a PDF cannot be rewritten; one that names somebody is not exported."""
    for secret in known:
        if any(form.encode() in data for form in forms(secret.text)):
            raise CheckFailed(
                "anonymous",
                f"{name} holds a {secret.kind}",
                f"`{secret.text}` stands in it, and it is no text that could be stripped",
                "remove it from what makes that file, or delete the file and export again",
            )


def secrets(records: Iterable[Record]) -> list[Secret]:
    """All that would tell who made a report, the longest first, so that an address goes before a name inside it."""
    found = {*from_git(), *from_citation(), *from_records(records), *from_machine()}
    kept = (one for one in found if len(one.text) > 2 and one.text.lower() not in TOO_COMMON)
    return sorted(kept, key=lambda one: (-len(one.text), one.text, one.kind))


def from_git() -> Iterable[Secret]:
    """Authors and committers of every commit, the configured user, and all remotes."""
    told = git.git("log", "--all", "--format=%an%n%ae%n%cn%n%ce")
    configured = [git.git("config", key) for key in ("user.name", "user.email")]
    for line in {*lines(told), *(line for entry in configured for line in lines(entry))}:
        yield from person(line)
    for line in lines(git.git("remote", "-v")):
        yield from remote(line.split()[1])


def lines(told: bytes | None) -> list[str]:
    """The lines that git said."""
    return [line.strip() for line in (told or b"").decode(errors="replace").splitlines() if line.strip()]


def person(text: str) -> Iterable[Secret]:
    """A name or an e-mail address; of a first and a last name the last one, too."""
    if "@" in text:
        yield Secret("e-mail", text)
        return
    yield Secret("name", text)
    if FULL_NAME.fullmatch(text):
        yield Secret("name", text.split()[-1])


def remote(address: str) -> Iterable[Secret]:
    """The address of a repository, whole, without its scheme, and as owner/name."""
    yield Secret("remote", address)
    bare = re.sub(r"^\w+://([^/@]*@)?|^[\w.-]+@|\.git$", "", address)
    yield Secret("remote", bare)
    parts = re.split(r"[/:]", bare)
    if len(parts) > 2:
        yield Secret("remote", "/".join(parts[-2:]))


def from_citation() -> Iterable[Secret]:
    """Authors, with what else they say of themselves, and the repository."""
    for told in citation.people():
        first, last = told.get("given-names", ""), told.get("family-names", "")
        yield Secret("name", f"{first} {last}".strip())
        yield Secret("name", last)
        for key in ("name", "alias", "affiliation", "orcid", "website"):
            yield Secret("name", told.get(key, ""))
        yield Secret("e-mail", told.get("email", ""))
    cited = citation.read()
    for key in ("repository-code", "repository", "url"):
        yield from remote(str(cited[key])) if key in cited else ()


def from_records(records: Iterable[Record]) -> Iterable[Secret]:
    """The machines and repositories that recorded the runs."""
    for record in records:
        for process in (record.process, *(life.process for life in record.lives)):
            yield Secret("host", process.host)
        if record.code.repository:
            yield from remote(record.code.repository)


def from_machine() -> Iterable[Secret]:
    """This machine, its user, the home folder and the project's own place."""
    yield Secret("host", socket.gethostname())
    yield Secret("name", getpass.getuser())
    yield Secret("home", str(Path.home()))
    yield Secret("home", str(Path.cwd()))


def strip(text: str, known: Iterable[Secret], done: Stripped, file: str) -> str:
    """A text without secrets: each becomes its kind in brackets, and is counted."""
    for secret in known:
        for form in forms(secret.text):
            text, times = re.subn(rf"(?<!\w){re.escape(form)}(?!\w)", f"[{secret.kind}]", text)
            done.found[file, secret] += times
    for kind, shape in SHAPES.items():
        for match in {match.group() for match in shape.finditer(text)}:
            if not INNOCENT.search(match):
                done.found[file, Secret(kind, match)] += text.count(match)
                text = text.replace(match, f"[{kind}]")
    done.found = +done.found
    return text


def forms(text: str) -> list[str]:
    """A text as it stands in plain files, JSON, HTML and LaTeX."""
    quoted: Any = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return list(dict.fromkeys([text, *quoted, html.escape(text), latex.escaped(text)]))
