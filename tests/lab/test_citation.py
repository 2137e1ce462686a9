"""CITATION.cff holds what the Citation File Format 1.2.0 demands, of this version and this licence."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {  # the keys of the format's schema, version 1.2.0
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
    *("license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact"),
    *("repository-code", "title", "type", "url", "version"),
}


@pytest.fixture(scope="module")
def cited() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_required_keys_are_there_and_unknown_ones_are_not(cited: dict[str, Any]) -> None:
    assert {"authors", "cff-version", "message", "title"} <= set(cited) <= KNOWN
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] in ("software", "dataset")
    assert cited["keywords"] == list(dict.fromkeys(cited["keywords"]))


def test_authors_are_people_or_entities(cited: dict[str, Any]) -> None:
    assert cited["authors"]
    for author in cited["authors"]:
        assert {"name"} <= set(author) or {"family-names", "given-names"} & set(author)


def test_addresses_and_dates_are_such(cited: dict[str, Any]) -> None:
    for key in ("url", "repository", "repository-code", "license-url"):
        assert re.fullmatch(r"https?://\S+", cited.get(key, "https://x"))
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(cited.get("date-released", "2026-01-01")))


def test_version_and_licence_are_the_package_s_own(cited: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (str(cited["version"]), cited["license"]) == (project["version"], project["license"])
