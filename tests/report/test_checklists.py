"""Checklists answer what records can answer, and nothing says Yes without a file that shows it."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from records import made, score

from receipts.refusal import CheckFailed, Refusal
from receipts.report import checklists, costs, croissant, numbers, tables
from receipts.report.model import Report, Row, Table
from receipts.runs.record import Checkpoint, Record

README = "python train.py\npython eval.py run_id=latest\npython report.py\n"


def report(seeds: int = 5, deterministic: bool = False, **changes: Any) -> Report:
    """One table of one row."""
    weights = Checkpoint("checkpoints/best.ckpt", 1, "max val accuracy", "79cd")
    runs = tuple(made(seed, score(split="test"), checkpoint=weights, **changes) for seed in range(seeds))
    row = Row("net", "net", runs, (), {}, deterministic)
    return Report([Table("main", "A table.", "test", [], [row], [], "accuracy", 0.03)], [], [])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which nothing is missing, and the report that is being written."""
    monkeypatch.chdir(tmp_path)
    for name in ("train.py", "eval.py", "requirements.lock", "LICENSE", "conf/net.yaml", "splits/digits.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("there\n")
    Path("README.md").write_text(README)
    for seed in range(5):
        weights = Path("runs") / made(seed).run_id / "checkpoints" / "best.ckpt"
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"weights")
    (tmp_path / "draft").mkdir()
    return tmp_path / "draft"


def written(found: Report, folder: Path, name: str = "neurips") -> dict[str, dict[str, Any]]:
    """A checklist's items by key, after everything was written."""
    shutil.rmtree(folder)
    folder.mkdir()
    for writer in (tables.write, numbers.write, costs.write, croissant.write, checklists.write):
        writer(found, folder)
    facts = json.loads((folder / "checklists" / f"{name}.json").read_text())
    return {item["key"]: item for item in facts["items"]}


def test_records_answer_what_they_can_and_never_guess_the_rest(folder: Path) -> None:
    items = written(report(), folder)
    assert list(items) == [str(number) for number in range(1, 17)]
    assert {key for key, item in items.items() if item["state"] == "auto"} == {"4", "5", "6", "7", "8"}
    assert {key for key, item in items.items() if item["state"] == "draft"} == {"1", "2", "12", "13", "16"}
    assert all(items[key]["answer"] == "Yes" and items[key]["evidence"] for key in "45678")
    assert all(item["answer"] == "" for item in items.values() if item["state"] != "auto")
    assert items["12"]["evidence"] == ["report/croissant/digits.json"]
    text = (folder / "checklists" / "neurips.md").read_text()
    assert "**3. Theory assumptions and proofs**: a person answers this (human)" in text
    assert "**4. Experimental result reproducibility**: Yes (auto)" in text


def test_all_five_items_of_code_completeness_are_checked_by_files(folder: Path) -> None:
    assert [item["answer"] for item in written(report(), folder, "completeness").values()] == ["Yes"] * 5


@pytest.mark.parametrize(
    ("removed", "checklist", "key"),
    [
        ("conf/net.yaml", "neurips", "6"),
        ("requirements.lock", "completeness", "1"),
        ("train.py", "completeness", "2"),
        ("LICENSE", "neurips", "5"),
    ],
)
def test_a_yes_becomes_a_no_that_names_the_missing_file(folder: Path, removed: str, checklist: str, key: str) -> None:
    Path(removed).unlink()
    item = written(report(), folder, checklist)[key]
    assert item["answer"] == "No"
    assert f"Missing: {removed}" in item["text"]


def test_weights_that_are_gone_and_commands_nobody_names_are_no_answer(folder: Path) -> None:
    (Path("runs") / made(2).run_id / "checkpoints" / "best.ckpt").unlink()
    Path("README.md").write_text("nothing")
    items = written(report(), folder, "completeness")
    assert [items[key]["answer"] for key in "12345"] == ["Yes", "No", "No", "No", "No"]


def test_few_seeds_and_dirty_code_are_said(folder: Path) -> None:
    assert written(report(seeds=3), folder)["7"]["answer"] == "No"
    assert written(report(seeds=1, deterministic=True), folder)["7"]["answer"] == "NA"
    dirty = report()
    dirty.tables[0].rows[0].runs[0].code.dirty.append("src/lab/net.py")
    assert written(dirty, folder)["4"]["answer"] == "No"


def test_a_person_s_answer_is_kept_and_needs_evidence_as_well(folder: Path) -> None:
    Path("notes").mkdir()
    checklists.NOTES.write_text(
        "neurips:\n  1: {answer: Yes, text: Section 4., evidence: [README.md]}\n  9: {answer: NA}\n"
    )
    items = written(report(), folder)
    assert (items["1"]["answer"], items["1"]["text"], items["9"]["answer"]) == ("Yes", "Section 4.", "NA")
    checklists.NOTES.write_text("neurips: {2: {answer: Yes, evidence: [paper.tex]}}\n")
    with pytest.raises(CheckFailed, match=r"paper\.tex is missing"):
        written(report(), folder)
    checklists.NOTES.write_text("neurips: {3: {answer: Yes}}\n")
    with pytest.raises(CheckFailed, match="says Yes without evidence"):
        written(report(), folder)


@pytest.mark.parametrize(
    "text", ["neurips: [1]\n", "neurips: {1: {answer: Maybe}}\n", "neurips: {1: {reply: Yes}}\n", "{"]
)
def test_notes_that_are_no_answers_are_refused(folder: Path, text: str) -> None:
    Path("notes").mkdir()
    checklists.NOTES.write_text(text)
    with pytest.raises(Refusal, match=r"notes/checklists\.yaml"):
        written(report(), folder)


def test_a_person_cannot_overrule_what_records_say(folder: Path) -> None:
    Path("notes").mkdir()
    checklists.NOTES.write_text("neurips: {7: {answer: Yes, evidence: [README.md]}}\n")
    assert written(report(seeds=2), folder)["7"]["answer"] == "No"


def card(run: Record) -> dict[str, Any]:
    return croissant.described(run)


def test_a_dataset_s_card_has_what_croissant_demands(folder: Path) -> None:
    found = card(made())
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert (found["@type"], found["name"], found["license"]) == (
        *("sc:Dataset", "digits"),
        "https://creativecommons.org/licenses/by/4.0/",
    )
    file, manifest = found["distribution"]
    assert file["@type"] == "cr:FileObject"
    assert (file["contentUrl"], file["md5"], file["encodingFormat"]) == (
        "data/digits.csv.gz",
        "9b33",
        "application/gzip",
    )
    assert (len(manifest["sha256"]), manifest["encodingFormat"]) == (64, "application/json")
    ids = [each["@id"] for each in found["distribution"]]
    assert len(set(ids)) == len(ids)


def test_a_card_states_no_date_and_no_address_that_nobody_recorded(folder: Path) -> None:
    run = made()
    assert {"datePublished", "url"} & set(card(run)) == set()
    run.data.version = "1998-07"
    Path("CITATION.cff").write_text("repository-code: https://example.org/code\n")
    assert (card(run)["datePublished"], card(run)["url"]) == ("1998-07", "https://example.org/code")
    run.code.repository = "https://example.org/fork"
    assert card(run)["url"] == "https://example.org/fork"
    run.data.source = "A survey (https://example.org/survey), 2019"
    assert card(run)["url"] == "https://example.org/survey"


def test_a_dataset_written_by_a_model_says_so_and_folds_share_a_card(folder: Path) -> None:
    run = made()
    run.data.kind, run.data.generator, run.data.manifest = "generated", "model-1", "splits/digits-fold3.json"
    assert (card(run)["name"], "generated, written by model-1" in card(run)["description"]) == ("digits", True)


def test_the_card_of_a_dataset_with_folds_tells_of_its_own_division(folder: Path) -> None:
    whole, fold = made(0), made(1)
    whole.data.manifest, fold.data.manifest = "splits/digits.json", "splits/digits-fold3.json"
    for runs in ([whole, fold], [fold, whole]):
        row = SimpleNamespace(runs=runs)
        croissant.write(cast(Report, SimpleNamespace(tables=[SimpleNamespace(rows=[row])])), folder)
        assert "divided as splits/digits.json says" in (folder / "croissant" / "digits.json").read_text()
