"""Where data and weights come from: files beside the checksum, files opened again, rows that weights have seen."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from records import made
from sklearn import datasets
from tables import Table, divided

from receipts.checks.catalogue import failed, passed
from receipts.config.compose import Experiment
from receipts.config.schema import Config, Facts
from receipts.data import contract, declared
from receipts.data.facts import Facts as Shared
from receipts.data.facts import NearDuplicates
from receipts.data.manifest import Golden
from receipts.data.sealed import Subset
from receipts.guards.data import augmenting, kept, lineage, sealing
from receipts.provenance import code, opened
from receipts.provenance.identity import Identity
from receipts.runs import record, reviews

IMAGES = (datasets.load_digits().images[:, None] / 16).astype(np.float32)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(folder: Path, name: str, text: str) -> None:
    """A file, and the folders that it lies in."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_only_data_that_are_read_count_as_opened(tmp_path: Path) -> None:
    for name in ("data/a.csv", "data/b.csv", "src/lab/x.py", ".cache/c", "runs/d", "conf/e.yaml"):
        put(tmp_path, name, "1")
    with opened.reads() as seen:
        for name in ("data/a.csv", "src/lab/x.py", ".cache/c", "runs/d", "conf/e.yaml"):
            Path(name).read_text()
        Path("data/b.csv").write_text("2")
        Path(np.__file__).read_bytes()
    Path("data/b.csv").read_text()
    assert opened.of_data(seen) == {"data/a.csv"}


@pytest.mark.parametrize(
    ("files", "verdict"), [({"data/a.csv": ""}, "fail"), ({"data/a.csv": "", "data/b.csv": ""}, "pass"), ({}, None)]
)
def test_a_dataset_reads_what_its_checksum_covers(tmp_path: Path, files: dict[str, str], verdict: str | None) -> None:
    for name in ("data/a.csv", "data/b.csv"):
        put(tmp_path, name, "1")
    with opened.reads() as seen:
        np.loadtxt("data/a.csv")
        np.loadtxt("data/b.csv")
    manifest: Any = SimpleNamespace(files=files)
    check = contract.covered(manifest, seen)
    assert check.verdict == (verdict or "not applicable")
    assert ("data/b.csv" in check.evidence) is (verdict == "fail")


def test_a_module_that_opens_the_file_again_has_its_test_rows(tmp_path: Path) -> None:
    put(tmp_path, "data/a.csv", "1")
    subset = Subset("train", ["a"], np.zeros((1, 1)), np.zeros(1), None, None)
    manifest: Any = SimpleNamespace(files={"data/a.csv": ""}, splits={"test": SimpleNamespace(n=1)})
    opened.begin()
    Path("pyproject.toml").write_text("")
    assert [check.verdict for check in sealing.audit(subset, manifest)] == ["pass"]
    np.loadtxt("data/a.csv")
    (check,) = sealing.audit(subset, manifest)
    assert (check.verdict, "data/a.csv was opened again" in check.evidence) == ("fail", True)


@pytest.mark.parametrize(
    ("name", "text", "rows", "sealed"),
    [
        ("classes.txt", "\n".join(f"class {n}" for n in range(10)), 80, False),
        ("classes.json", '{"0": "nought", "1": "one"}', 80, False),
        ("classes.json", '{"0": "nought", "1": "one"}', 20, True),  # so few rows that it may tell of each
        ("labels.csv", "1\n" * 80, 80, True),
        ("labels.txt", "0110" * 20, 80, True),
        ("labels.npy", "few", 80, True),
        ("labels.csv.gz", "no gzip", 80, True),
    ],
)
def test_a_list_of_class_names_holds_no_rows_of_test(
    tmp_path: Path, name: str, text: str, rows: int, sealed: bool
) -> None:
    put(tmp_path, name, text)
    assert sealing.holds_rows(Path(name), rows) is sealed


# Weights ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "verdict"), [(range(1000), "pass"), (range(999, -1, -1), "fail"), ([*range(1, 1000), 0], "pass")]
)
def test_weights_that_have_seen_what_is_held_back(tmp_path: Path, order: Any, verdict: str) -> None:
    then, now = divided(Table(1000)), Table(1000)
    Path("splits/table.npz").rename("splits/then.npz")
    then.hashes.file = "splits/then.npz"
    data = msgspec.json.encode(then)
    Path("splits/then.json").write_bytes(data)
    run = made(run_id="20260101-000000-net-s0-aaaaaaaa")
    run.data.manifest, run.identity = "splits/then.json", msgspec.structs.replace(run.identity, split=code.sha256(data))
    put(tmp_path, f"runs/{run.run_id}/record.json", record.encode(run).decode())
    now.inputs = now.inputs[list(order)]
    config = Config()
    config.fit.init_from = {"run": run.run_id, "identity": "", "weights": ""}
    assert [check.verdict for check in lineage.audit(divided(now), config)] == [verdict]
    Path("splits/then.npz").unlink()
    assert [check.verdict for check in lineage.audit(divided(now), config)] == ["not run"]
    config.fit.init_from = None
    assert [check.verdict for check in lineage.audit(divided(now), config)] == ["not applicable"]


# What is declared ---------------------------------------------------------------------------------------------------


def mirrored(x: Any, y: Any, generator: Any) -> Any:
    return x.flip(-1), y


def dimmed(x: Any, y: Any, generator: Any) -> Any:
    return x * 0.9, y


@pytest.mark.parametrize(
    ("step", "allowed", "verdict"),
    [
        (mirrored, [], "fail"),
        (mirrored, ["upside-down"], "fail"),
        (mirrored, ["mirrored"], "pass"),
        (mirrored, None, "not applicable"),
        (dimmed, [], "pass"),
    ],
)
def test_augmentation_keeps_to_what_is_declared(
    step: Any, allowed: list[str] | None, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmenting, "build", lambda spec, where: step)
    config = Config(facts=Facts(invariances=allowed), augment=[{"_target_": "lab.x.Y"}])
    config.task.kind = "regression"
    subset = Subset("train", ["a"] * 300, IMAGES[:300], np.zeros(300, np.float32), None, None)
    checks = {c.code: c for c in augmenting.audit(subset, Experiment(config, {}, "net", ["full"], "table", []))}
    assert checks["augment-within-facts"].verdict == verdict


def test_what_nobody_declared_is_named() -> None:
    bare: Any = SimpleNamespace(
        facts=Shared(None, None, 0, NearDuplicates(0, "", 0.25)), golden=Golden([], "", [8, 4], 0, 1), features=None
    )
    assert set(declared.missing(Config(), bare)) == set(declared.LOST) - {"facts.invariances", "facts.ema"}
    assert "facts.ema" in declared.missing(Config(), bare, averages=True)
    config = Config(facts=Facts(ceiling=1.0, chance=0.1, ema="raw"))
    config.split.near_duplicate = 0.2
    full: Any = SimpleNamespace(
        facts=Shared(0, True, 0, NearDuplicates(0, "", 0.25)), golden=Golden([], "", [8, 1, 8, 8], 0, 1), features=None
    )
    assert declared.missing(config, full, averages=True) == []


def test_ticks_are_told_with_name_and_day(tmp_path: Path) -> None:
    assert reviews.told(["a"]) == ""
    put(
        tmp_path,
        "runs/a/review.json",
        '[{"item": "worst", "what": "", "by": "Ada", "at": "2026-11-21T10:00:00Z"}, {"item": "median", "what": ""}]',
    )
    assert reviews.told(["a", "b"]) == "worst looked at by Ada on 2026-11-21"


# Verdicts that are kept ---------------------------------------------------------------------------------------------


def test_another_seed_is_told_the_same_verdicts_and_other_data_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    verdicts = [passed("inputs-vary", "they do")]
    monkeypatch.setattr(kept.audit, "examine", lambda *_: asked.append(1) or verdicts)
    fit = dict.fromkeys(kept.OF_FIT)
    values: dict[str, Any] = {key: {} for key in kept.ASKED} | {"fit": fit, "seed": 0}
    experiment = Experiment(Config(), values, "net", ["full"], "table", [])
    nothing: Any = None

    def examined(identity: Identity, experiment: Experiment) -> int:
        assert kept.examine(identity, experiment, nothing, nothing, nothing, None) == verdicts
        return len(asked)

    same = Identity("a", "config", "code", "lock", "data", "split")
    assert examined(same, experiment) == 1
    assert examined(same, replace(experiment, values=values | {"seed": 1})) == 1
    assert examined(msgspec.structs.replace(same, data="other"), experiment) == 2
    assert examined(same, replace(experiment, values=values | {"augment": ["flip"]})) == 3
    assert examined(same, replace(experiment, values=values | {"model": {"width": 2}})) == 4
    verdicts[:] = [failed("inputs-vary", "none differs")]
    assert examined(msgspec.structs.replace(same, code="other"), experiment) == 5
    assert examined(msgspec.structs.replace(same, code="other"), experiment) == 6  # what fails is looked at again
