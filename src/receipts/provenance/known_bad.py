"""Releases that are known to be bad: refused by their metadata, before anything of them is imported."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from receipts.refusal import Refusal

LIST = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Release:
    """Bad releases of a package: those listed, or all before one; the advisory that says why, and the cure."""

    package: str
    why: str
    cure: str
    exact: tuple[str, ...] = ()
    before: str = ""

    def holds(self, installed: str) -> bool:
        """Whether an installed version is one of them."""
        return installed in self.exact or (self.before != "" and numbers(installed) < numbers(self.before))


def numbers(release: str) -> tuple[int, ...]:
    """A version as numbers to compare, without what names a build of it: `2.13.0+cpu` is (2, 13, 0)."""
    return tuple(map(int, re.findall(r"\d+", release.partition("+")[0])))


def releases() -> Iterator[Release]:
    """Every entry of the list."""
    for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["release"]:
        yield Release(**entry)


def refuse() -> None:
    """Refuse to go on where a release of the list is installed."""
    for release in releases():
        try:
            installed = version(release.package)
        except PackageNotFoundError:
            continue
        if release.holds(installed):
            raise Refusal(f"{release.package} {installed} is known to be bad", release.why, release.cure)
