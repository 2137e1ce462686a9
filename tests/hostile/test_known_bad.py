"""Releases that are known to be bad, and the lock that holds none of them."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from receipts.provenance import known_bad
from receipts.refusal import Refusal

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("package", "installed"),
    [("lightning", "2.6.2"), ("lightning", "2.6.3"), ("torch", "2.5.1"), ("torch", "2.9.1+cu126"), ("skops", "0.12.0"),
     ("pyarrow", "14.0.0")],
)  # fmt: skip
def test_a_bad_release_is_refused_with_the_advisory_and_the_cure(
    monkeypatch: pytest.MonkeyPatch, package: str, installed: str
) -> None:
    monkeypatch.setattr(known_bad, "version", lambda name: installed if name == package else version(name))
    with pytest.raises(Refusal, match=re.escape(f"{package} {installed} is known to be bad")) as told:
        known_bad.refuse()
    assert re.search(r"CVE-\d{4}-\d+|SNYK-", told.value.why)
    assert "make env" in told.value.fix


@pytest.mark.parametrize(("package", "installed"), [("lightning", "2.6.6"), ("torch", "2.10.0"), ("torch", "2.13.0+x")])
def test_a_good_release_is_not(monkeypatch: pytest.MonkeyPatch, package: str, installed: str) -> None:
    monkeypatch.setattr(known_bad, "version", lambda name: installed if name == package else version(name))
    known_bad.refuse()


def test_a_package_that_is_not_installed_is_not_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise known_bad.PackageNotFoundError(name)

    monkeypatch.setattr(known_bad, "version", missing)
    known_bad.refuse()


def test_the_lock_names_none_of_them() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    listed = list(known_bad.releases())
    assert {release.package for release in listed} <= set(pins)
    assert [release for release in listed if release.holds(pins[release.package])] == []


def test_the_workflow_asks_for_advisories_by_the_verb_that_people_have() -> None:
    workflow, makefile = (ROOT / ".github/workflows/ci.yml").read_text(), (ROOT / "Makefile").read_text()
    assert "- run: make audit\n" in workflow
    verb = makefile[makefile.index("\naudit:") :].split("\n\n")[0]
    assert "pip-audit --strict" in verb, "what cannot be looked up is a failure, not a pass"
