"""The anonymous export: planted names, homes, hosts and remotes are gone, numbers stay, and all is listed beside it."""

import json
from pathlib import Path

import pytest
from folders import git
from records import made

from receipts.refusal import CheckFailed, Refusal
from receipts.report import anonymous, croissant
from receipts.report.model import Entry, Report

PLANTED = {
    "name": ["Ada Lovelace", "Grace Hopper", "Société d'Études", "Mary Somerville", "Hypatia"],
    "e-mail": ["ada@analytical.org", "someone.else@uni-x.edu"],
    "home": ["/home/ada", "/Users/grace", "C:\\Users\\grace"],
    "host": ["node-17.cluster"],
    "remote": ["https://github.com/lovelace/engine", "lovelace/engine"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of Ada's, and a report in which everything is named in every kind of file."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    git(project, "init", "-q")
    author = ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@analytical.org"]
    git(project, *author, "commit", "-qm", "start", "--allow-empty", "--author", "Grace Hopper <grace@navy.mil>")
    git(project, "remote", "add", "origin", "git@github.com:lovelace/engine.git")
    (project / "CITATION.cff").write_text(
        'authors:\n- {given-names: Ada, family-names: Lovelace, affiliation: "Société d\'Études", orcid: null}\n'
        "contact:\n- {given-names: Mary, family-names: Somerville}\n"
        "preferred-citation: {authors: [{name: Hypatia, family-names: null}, 5]}\n"
        "repository-code: https://github.com/lovelace/engine\n"
    )
    report = project / "report"
    (report / "tables").mkdir(parents=True)
    everything = [text for texts in PLANTED.values() for text in texts]
    (report / "numbers.json").write_text(json.dumps({"value": 0.8917, "who": everything, "commit": "c0ffee12"}))
    (report / "index.html").write_text("<p>" + " &amp; ".join(everything).replace("'", "&#x27;") + "</p>")
    (report / "tables" / "main.tex").write_text(r"0.8917 \% by Ada Lovelace of node-17.cluster, \receipt@main.net.nll")
    (report / "figure.png").write_bytes(b"\x89PNG\xff\x00pixels")
    return report


def found() -> Report:
    run = made()
    run.process.host = "node-17.cluster"
    run.code.repository = "https://github.com/lovelace/engine"
    return Report([], [Entry(run.run_id, run, "completed", (), "")], [])


def test_nothing_that_was_planted_is_left_and_every_number_is(folder: Path) -> None:
    place = anonymous.export(found(), folder)
    assert place.name == "report-anonymous"
    left = "".join(path.read_text(errors="replace") for path in place.rglob("*") if path.is_file())
    for texts in PLANTED.values():
        for text in (*texts, "Lovelace", "Hopper", "navy.mil"):
            assert text not in left
            assert json.dumps(text)[1:-1] not in left
    assert left.count("0.8917") == 2
    assert "c0ffee12" in left
    assert r"\receipt@main.net.nll" in left  # the key of a number is no address
    assert sorted(path.name for path in place.rglob("*")) == sorted(path.name for path in folder.rglob("*"))
    assert (place / "figure.png").read_bytes() == (folder / "figure.png").read_bytes()
    assert "Ada Lovelace" in (folder / "index.html").read_text()  # the report itself stays


def test_what_was_stripped_is_listed_beside_the_export_and_not_in_it(folder: Path) -> None:
    place = anonymous.export(found(), folder)
    listed = (folder.parent / "report-anonymous-stripped.md").read_text()
    for kind, texts in PLANTED.items():
        for text in texts[:1]:
            assert f"| {kind} | `{text}` |" in listed
    assert not list(place.rglob("*stripped*"))


def test_a_picture_that_names_somebody_is_not_exported(folder: Path) -> None:
    (folder / "figure.png").write_bytes(b"\x89PNG\xff Author: Ada Lovelace")
    with pytest.raises(CheckFailed, match=r"figure\.png holds a name"):
        anonymous.export(found(), folder)
    assert not (folder.parent / "report-anonymous").exists()


def test_an_export_replaces_the_older_one(folder: Path) -> None:
    place = anonymous.export(found(), folder)
    (folder / "tables" / "main.tex").unlink()
    anonymous.export(found(), folder)
    assert not (place / "tables" / "main.tex").exists()


def test_words_that_only_contain_a_name_stay(folder: Path) -> None:
    (folder / "index.html").write_text("adamant Lovelaces someone@example.org localhost")
    place = anonymous.export(found(), folder)
    assert (place / "index.html").read_text() == "adamant Lovelaces someone@example.org localhost"


@pytest.mark.parametrize("text", ["- 5", "authors: 5", "authors: [5, null, {email: 5}]", "repository-code: [a]", ""])
def test_a_citation_that_says_nothing_names_nobody(folder: Path, text: str) -> None:
    Path("CITATION.cff").write_text(text)
    assert "[name]" in (anonymous.export(found(), folder) / "tables/main.tex").read_text()
    assert croissant.address(made()) is None


def test_a_citation_that_cannot_be_read_is_refused(folder: Path) -> None:
    for text in ("title: a: b", "\0"):
        Path("CITATION.cff").write_text(text)
        with pytest.raises(Refusal, match=r"CITATION.cff cannot be read"):
            anonymous.export(found(), folder)


def test_a_password_in_the_address_of_a_citation_stays_here(folder: Path) -> None:
    Path("CITATION.cff").write_text("repository-code: https://ada:engine-1843@example.org/code\n")
    assert croissant.address(made()) == "https://example.org/code"
