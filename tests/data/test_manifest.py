"""The manifest: pinned for the digits, made again byte for byte, and refused when it does not fit."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from launching import Ended
from tables import Table, divided, plan

from receipts.config.compose import DataPlan, Experiment, data_plan
from receipts.config.schema import Config, Fit, Limit
from receipts.data import manifest, splits
from receipts.provenance import code
from receipts.refusal import Refusal

Start = Callable[..., Ended]


@pytest.mark.usefixtures("here")
def test_the_digits_are_divided_as_their_file_says() -> None:
    path, found = manifest.load(data_plan("digits"))
    assert path == Path("splits/digits.json")
    assert found.dataset == "lab.data.Digits"
    assert found.arguments == {"path": "data/digits.csv.gz"}
    assert found.files == {"data/digits.csv.gz": "md5:9b335364a7bfd63947c7480a5bd51f2d"}
    assert found.rule == {"rule": "contiguous", "shares": {"train": 0.6, "val": 0.2, "test": 0.2}}
    parts = {name: (part.rows, part.n) for name, part in found.splits.items()}
    assert parts == {"train": ([(0, 1078)], 1078), "val": ([(1078, 1437)], 359), "test": ([(1437, 1797)], 360)}
    assert found.splits["train"].labels["0"] == 107
    assert found.splits["train"].labels["1"] == 109
    assert [sum(part.labels.values()) for part in found.splits.values()] == [1078, 359, 360]
    assert found.hashes.algorithm == "blake2b-64 of x, of y"
    assert found.facts.duplicates_across == 0
    assert found.origin == {
        "kind": "real",
        "source": "UCI optdigits, test part",
        "licence": "CC BY 4.0",
        "version": "1998-07",
    }


def test_splitting_again_changes_no_byte(here: Path, run: Start) -> None:
    before = {path: path.read_bytes() for path in (here / "splits").iterdir()}
    names = ("digits", "diabetes", "lazy", "module")
    assert {path.name for path in before} == {f"{name}{end}" for name in names for end in (".json", ".npz")}
    for path in before:
        path.unlink()
    for name in names:
        assert (done := run("receipts", "split", name)).code == 0, done.err
    assert {path: path.read_bytes() for path in (here / "splits").iterdir()} == before
    for path, content in before.items():
        if path.suffix == ".npz":  # no clock in it
            dates = {entry.date_time for entry in zipfile.ZipFile(io.BytesIO(content)).infolist()}
            assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_what_is_written_is_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = divided(Table())
    splits.write(plan(), made)
    assert manifest.load(plan()) == (Path("splits/table.json"), made)
    with np.load("splits/table.npz") as stored:
        assert sorted(stored) == ["x", "y"]
    assert made.hashes.sha256 == code.sha256(Path("splits/table.npz").read_bytes())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        splits.write(plan(), divided(Table()))
    return folder


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (DataPlan("other", {}, plan().split, plan().task), r"splits/other\.json does not exist"),
        (DataPlan("table", {"_target_": "lab.data.Other", "n": 20}, plan().split, plan().task), "for another dataset"),
        (DataPlan("table", {"_target_": "lab.data.Table", "n": 21}, plan().split, plan().task), "for another argument"),
        (DataPlan("table", {"_target_": "lab.data.Table"}, plan().split, plan().task), "for another arguments"),
        (plan(rule="magic"), "for another split"),
        (plan(shares={"train": 0.7, "val": 0.1, "test": 0.2}), "for another split"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    whole: Path, asked: DataPlan, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(whole)
    with pytest.raises(Refusal, match=what) as found:
        manifest.load(asked)
    assert f"receipts split {asked.name}" in found.value.fix


def test_an_unknown_split_is_refused(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(whole)
    with pytest.raises(Refusal, match="there is no split 'dev'") as found:
        manifest.load(plan(), "dev")
    assert "train, val, test" in found.value.why


def test_a_manifest_of_another_schema_is_refused(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (whole / "splits/table.json").read_bytes()
    monkeypatch.chdir(tmp_path)
    Path("splits").mkdir()
    newer = msgspec.json.decode(text) | {"schema": 2}
    Path("splits/table.json").write_bytes(msgspec.json.encode(newer))
    with pytest.raises(Refusal, match="was made for another schema"):
        manifest.load(plan())


def test_a_manifest_cut_anywhere_is_refused(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (whole / "splits/table.json").read_bytes()
    monkeypatch.chdir(tmp_path)
    Path("splits").mkdir()
    for length in range(0, len(text) - 1, 7):
        Path("splits/table.json").write_bytes(text[:length])
        with pytest.raises(Refusal, match="is not a readable manifest"):
            manifest.load(plan())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_manifest_is_refused_and_never_a_traceback(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    damaged = bytearray((whole / "splits/table.json").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    monkeypatch.chdir(tmp_path)
    Path("splits").mkdir(exist_ok=True)
    Path("splits/table.json").write_bytes(damaged)
    with suppress(Refusal):
        manifest.load(plan())


@pytest.mark.parametrize(
    ("rows", "batch", "sentence"),
    [
        (None, None, ""),
        (None, 12, ""),
        (None, 1, ""),
        (None, 13, "one step an epoch"),
        (None, 11, "12 rows in batches of 11 leave one for the last batch"),
        (8, 11, "fit.batch_size is 11 and train has 8 rows: one step an epoch"),
        (7, 3, "7 rows in batches of 3 leave one"),
        (50, 12, ""),
    ],
)
def test_batches_that_hardly_fit_the_rows_are_warned_about(
    whole: Path, monkeypatch: pytest.MonkeyPatch, rows: int | None, batch: int | None, sentence: str
) -> None:
    monkeypatch.chdir(whole)
    config = Config(fit=Fit(batch_size=batch), limit=Limit(rows=rows))
    experiment = Experiment(config, {}, "net", ["fast"], "digits", [])
    found = manifest.suspicious(manifest.load(plan())[1], experiment)
    assert len(found) == bool(sentence)
    assert sentence in " ".join(found)
